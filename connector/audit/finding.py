"""What an audit finds: a measure against its limit, the rules that it weakens, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

AreaName = Literal["fields", "duplicates", "consistency", "outcomes", "activity"]
Severity = Literal["severe", "warning", "note"]
# What an area counts for in the overall score; the weight of one without anything to judge is shared by the others.
WEIGHTS: Final[dict[AreaName, float]] = {
    "fields": 35,
    "activity": 25,
    "outcomes": 20,
    "duplicates": 10,
    "consistency": 10,
}
_FAR_PAST: Final = 2.5  # a measure so many times its limit is severe


@dataclass(frozen=True)
class Weakened:
    """Name a rule that reads what is bad, and the most points it can give or take."""

    model_id: str
    rule_id: str
    points: float

    def __str__(self) -> str:
        """Write it as a person reads it."""
        return f"{self.rule_id} ({self.points:+g})" if self.points else self.rule_id


@dataclass(frozen=True)
class Finding:
    """One thing that is bad: where it is, what was measured against which limit, and what to do next.

    A measure is a share where `unit` is "share", else a count of that unit. examples are ids of records, or values.
    """

    area: AreaName
    check: str
    where: str
    severity: Severity
    message: str
    measured: float
    limit: float
    unit: str
    next_step: str
    weakens: tuple[Weakened, ...] = ()
    examples: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Give it as the command line's JSON has it."""
        return {
            "area": self.area,
            "check": self.check,
            "where": self.where,
            "severity": self.severity,
            "message": self.message,
            "measured": round(self.measured, 4),
            "limit": self.limit,
            "unit": self.unit,
            "weakens": [{"model": one.model_id, "rule": one.rule_id, "points": one.points} for one in self.weakens],
            "examples": list(self.examples),
            "next": self.next_step,
        }


@dataclass(frozen=True)
class Area:
    """Grade one kind of facts from 0 to 100, null where there is nothing to judge; more than this is `measures`."""

    name: AreaName
    score: float | None
    findings: tuple[Finding, ...] = ()
    measures: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True)
class Audit:
    """Hold what an audit found as of one instant; newest_event_at is null without events."""

    as_of: datetime
    areas: tuple[Area, ...]
    people: int
    newest_event_at: datetime | None = None

    @property
    def overall(self) -> float | None:
        """Give the weighted mean of the areas that could be judged."""
        judged = [(WEIGHTS[area.name], area.score) for area in self.areas if area.score is not None]
        return sum(weight * score for weight, score in judged) / sum(w for w, _ in judged) if judged else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """List the findings, the worst first and then those that weaken most."""
        order = ("severe", "warning", "note")
        found = [one for area in self.areas for one in area.findings]
        return tuple(sorted(found, key=lambda one: (order.index(one.severity), -_points(one), one.area, one.where)))

    def score(self, name: str) -> float | None:
        """Give the score of an area, or of all of them."""
        if name == "overall":
            return self.overall
        return next((area.score for area in self.areas if area.name == name), None)

    def as_dict(self) -> dict[str, object]:
        """Give it as the command line's JSON has it."""
        return {
            "as_of": self.as_of.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "overall": rounded(self.overall),
            "people": self.people,
            "areas": [
                {"name": area.name, "score": rounded(area.score), "measures": list(area.measures)}
                for area in self.areas
            ],
            "findings": [one.as_dict() for one in self.findings],
        }


def rounded(score: float | None) -> float | None:
    """Round a score to a tenth."""
    return None if score is None else round(score, 1)


def severity_of(measured: float, limit: float, weakens: Sequence[Weakened] = ()) -> Severity:
    """Judge a measure that is over its limit; what no rule reads is only worth a note."""
    if not weakens:
        return "note"
    return "severe" if measured >= _FAR_PAST * limit or measured >= 1 else "warning"


def graded(measured: float, limit: float) -> float:
    """Grade a share that should be small: 100 for none, 80 at its limit, 0 at five times the limit."""
    return 100.0 * max(0.0, 1 - measured / (5 * limit)) if limit > 0 else 100.0 * (measured <= 0)


def _points(finding: Finding) -> float:
    return sum(abs(one.points) for one in finding.weakens)
