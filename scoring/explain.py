"""An explanation for people: the rows of a score, its short text, and a sentence per row."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from scoring.schema import DECIMALS

MOST_POSITIVE = 3
MOST_NEGATIVE = 2
SEPARATOR = "; "
CONSTANT = "link"
"""The kind of the row that everybody has alike: it belongs to the sum, and is a reason for nothing."""
RULES = "rules"
"""The row of what the scale takes from the rules in a blend."""


@dataclass(frozen=True)
class Contribution:
    """One row of an explanation; `events` is 0 and the times are null where no event stands behind it."""

    rule_id: str
    label: str
    kind: str
    events: int
    first_at: datetime | None
    last_at: datetime | None
    points: float


@dataclass(frozen=True)
class Help:
    """A rule that gives nothing now, and what it would add."""

    rule_id: str
    label: str
    kind: str
    points: float


@dataclass(frozen=True)
class NextBand:
    """The band above a subject's: its threshold, what is missing, which needs are not met, and what would help.

    `is_reached` says that the threshold is met and something else is missing.
    `blocked_by` is a state, or the words of an override, that no points can overcome; null where points decide.
    """

    band: str
    at_least: float | None
    above: float | None
    missing: float
    needs: tuple[str, ...]
    blocked_by: str | None
    helps: tuple[Help, ...]
    is_reached: bool = False

    def sentence(self) -> str:
        """Tell it to a rep in one line."""
        if self.blocked_by is not None:
            return f"next: {self.band}; no points help while {self.blocked_by}"
        more = "more than " if self.above is not None else ""
        short = [] if self.is_reached else [f"{more}{_plain(self.missing)} points short"]
        if self.above is not None and self.missing == 0 and not self.is_reached:
            short = ["any point more is enough"]
        needs = [f"needs {need}" for need in self.needs]
        helps = ", ".join(f"+{_plain(one.points)} {one.label}" for one in self.helps)
        return f"next: {self.band}; {'; '.join([*short, *needs]) or 'nothing is missing'}" + (
            f"; would help: {helps}" if helps else ""
        )


def _plain(points: float) -> str:
    """Write points without a sign, rounded up to tenths: what is told must be enough."""
    return f"{math.ceil(round(points * 10, 6)) / 10:g}"


@dataclass(frozen=True)
class Explanation:
    """Everything about one subject's score; the contributions sum to `total` to 1e-9.

    `probability` and what follows it are a trained model's; where it stands beside the rules, `terms` are its points.
    """

    subject_id: str
    model_id: str
    model_hash: str
    as_of: datetime
    state: str
    fit: float
    engagement: float
    total: float
    band: str | None
    fit_grade: str | None
    engagement_grade: str | None
    previous_band: str | None
    contributions: tuple[Contribution, ...]
    reasons: str
    next_band: NextBand | None = None
    probability: float | None = None
    priority: float | None = None
    model_total: float | None = None
    model_band: str | None = None
    terms: tuple[Contribution, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Give the object that `leadlight explain --json` prints: times in ISO 8601 with Z."""
        return {
            "subject_id": self.subject_id,
            "model": {"id": self.model_id, "hash": self.model_hash},
            "as_of": iso(self.as_of),
            "state": self.state,
            "fit": self.fit,
            "engagement": self.engagement,
            "total": self.total,
            "band": self.band,
            "fit_grade": self.fit_grade,
            "engagement_grade": self.engagement_grade,
            "previous_band": self.previous_band,
            "contributions": [_row(contribution) for contribution in self.contributions],
            "reasons": self.reasons,
            "next_band": None if self.next_band is None else asdict(self.next_band),
        } | ({} if self.probability is None else self._of_table())

    def _of_table(self) -> dict[str, object]:
        beside = {"priority": self.priority, "model_total": self.model_total, "model_band": self.model_band}
        return {"probability": self.probability, **beside, "model_terms": [_row(term) for term in self.terms]}

    def outlook(self) -> str | None:
        """Tell the probability, and what a trained model beside the rules says, in one line; null without one."""
        if self.probability is None:
            return None
        band = "" if self.model_total is None else f", the model would give {self.model_total:g}, {self.model_band}"
        order = "" if self.priority is None else f", priority {self.priority:g} in the band"
        return f"probability {self.probability:.1%}{order}{band}"


def _row(contribution: Contribution) -> dict[str, object]:
    return {
        "rule_id": contribution.rule_id,
        "label": contribution.label,
        "kind": contribution.kind,
        "events": contribution.events,
        "first_at": iso(contribution.first_at),
        "last_at": iso(contribution.last_at),
        "points": contribution.points,
    }


def iso(time: datetime | None) -> str | None:
    """Write a UTC time as ISO 8601 with Z."""
    return None if time is None else time.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def short_reasons(contributions: Sequence[Contribution], as_of: datetime) -> str:
    """Write the short text of a CRM field: the top 3 positive and top 2 negative rows, ties by rule id."""
    ranked = sorted(contributions, key=lambda row: (-_nanos(row.points), row.rule_id, row.kind))
    shown = [row for row in ranked if _tenths(row.points) > 0 and row.kind != CONSTANT]
    positive = [row for row in shown if row.points > 0][:MOST_POSITIVE]
    negative = [row for row in shown if row.points < 0][:MOST_NEGATIVE]
    return SEPARATOR.join(sentence(row, as_of) for row in positive + negative)


def sentence(contribution: Contribution, as_of: datetime) -> str:
    """Write one row as a rep reads it, such as `+14 pricing page ×3 (last 28 Jun)`."""
    events = f" ×{contribution.events}" if contribution.events > 1 else ""
    last = "" if contribution.last_at is None else f" (last {_day(contribution.last_at, as_of)})"
    return f"{_signed(contribution.points)} {contribution.label}{events}{last}"


def _day(time: datetime, as_of: datetime) -> str:
    time, as_of = time.astimezone(UTC), as_of.astimezone(UTC)
    year = "" if time.year == as_of.year else f" {time.year}"
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{time.day} {months[time.month - 1]}{year}"


def _signed(points: float) -> str:
    tenths = _tenths(points)
    size = str(tenths // 10) if tenths % 10 == 0 else str(tenths / 10)
    return f"{'-' if points < 0 else '+'}{size}"


def _nanos(points: float) -> int:
    """Give the size of points in billionths, the precision at which points are compared."""
    return math.floor(abs(points) * 10.0**DECIMALS + 0.5)


def _tenths(points: float) -> int:
    """Round the size of points to tenths, halves away from zero."""
    return (_nanos(points) + 50_000_000) // 100_000_000
