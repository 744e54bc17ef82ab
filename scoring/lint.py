"""What is allowed in a model and yet probably not meant, rule by rule."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from scoring.conditions import Condition, leaves, shown
from scoring.model import Model
from scoring.reach import highest, most_of_engagement, third_party_most
from scoring.rules import Band, EngagementRule, FitRule
from scoring.schema import PEOPLE
from scoring.specification import every_band

MOST_CRITERIA = 15
PASSIVE_SHARE = 0.2
PASSIVE = frozenset({"email_sent", "email_open", "email_click", "page_view", "social_engagement"})
HIGH_INTENT = frozenset({"demo_request", "trial_start", "meeting", "call", "email_reply", "chat"})


@dataclass(frozen=True)
class Finding:
    """One thing to look at: which check found it, where in the file, and what to do about it."""

    level: Literal["error", "warning"]
    check: str
    where: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Give the object that `model lint --json` prints."""
        return {"level": self.level, "check": self.check, "where": self.where, "message": self.message}


def lint(model: Model) -> tuple[Finding, ...]:
    """Give every finding of a model that loads, in the order of the checks."""
    return tuple(finding for check in _CHECKS for finding in check(model))


def _warning(check: str, where: str, message: str) -> Finding:
    return Finding("warning", check, where, message)


def _unknown_slips_by(model: Model) -> Iterator[Finding]:
    """An unknown value makes is_not and not_in false, which few expect of an audience, a gate or a suppression."""
    spec = model.spec
    guarded = {"model.audience": spec.model.audience, "suppress.when": spec.suppress.when if spec.suppress else None}
    guarded |= {f"fit.{rule.id}.when": rule.when for rule in spec.fit if rule.gate}
    for where, condition in guarded.items():
        for leaf in leaves(condition):
            if leaf.operator in ("is_not", "not_in") and leaf.field not in PEOPLE.key:
                said = f"'{shown(leaf.operator)}' is false where '{leaf.field}' is unknown"
                yield _warning("nullable", where, f"{said}; say `not = {{ … is … }}` to let the unknown through")


def _unreachable_brackets(model: Model) -> Iterator[Finding]:
    for rule in model.spec.fit:
        counted = (rule.field or "").removeprefix("account.") in ("employees", "revenue")
        for place, bracket in enumerate(rule.brackets or (), start=1):
            if counted and bracket.below is not None and bracket.below <= 0:
                where = f"fit.{rule.id}.brackets[{place}]"
                yield _warning("unreachable", where, f"nothing is below {bracket.below:g}; leave it out")


def _unreachable_bands(model: Model) -> Iterator[Finding]:
    top = model.spec.model.scale.max
    most = min(highest(model), highest(model) if top is None else top)
    for segment in (None, *(segment.id for segment in model.spec.segment)):
        bands = [band for name, band in every_band(model.spec) if name == segment]
        for place, band in enumerate(bands):
            where = f"band.{band.id}" if segment is None else f"segment.{segment}.band.{band.id}"
            earlier = next((one for one in bands[:place] if _swallows(one, band)), None)
            if earlier is not None:
                yield _warning("unreachable", where, f"whoever could enter it enters '{earlier.id}' before it")
            threshold = _threshold(band)
            if segment is None and not model.spec.segment and threshold is not None and threshold > most:
                yield _warning("unreachable", where, f"it starts at {threshold:g}, the rules reach {most:g}")


def _threshold(band: Band) -> float | None:
    return band.at_least if band.at_least is not None else band.above


def _swallows(earlier: Band, later: Band) -> bool:
    if earlier.needs is not None:
        return False
    edge, own = _threshold(earlier), _threshold(later)
    if edge is None:
        return True
    if own is None:
        return False
    return edge < own or (edge == own and (earlier.above is None or later.above is not None))


def _never_fires(model: Model) -> Iterator[Finding]:
    conditions = {f"fit.{rule.id}": rule.when for rule in model.spec.fit}
    conditions |= {f"engagement.{rule.id}": rule.where for rule in model.spec.engagement}
    conditions |= {f"multiply.{rule.id}": rule.where for rule in model.spec.multiply}
    for where, condition in conditions.items():
        clash = _clash(condition)
        if clash is not None:
            yield _warning("never_fires", where, f"it asks '{clash}' to be two things at once")
    active = any(rule.counts_as_activity for rule in model.spec.engagement)
    for silent in model.spec.engagement:
        if silent.no_event_for is not None and not active and model.spec.rollup is None:
            message = "silence is counted from the newest activity, and no rule with points > 0 counts any"
            yield _warning("never_fires", f"engagement.{silent.id}", message)


def _clash(condition: Condition | None) -> str | None:
    """Name a field that `all` asks to equal two values, or to lie above what it lies below."""
    if condition is None or condition.all_ is None:
        return None
    for field in {part.field for part in condition.all_ if part.field}:
        parts = [part for part in condition.all_ if part.field == field]
        allowed = [{str(value).strip().lower() for value in p.operands} for p in parts if p.operator in ("is_", "in_")]
        if allowed and not set.intersection(*allowed):
            return field
        low = [v for p in parts for v in (p.gt, p.gte) if isinstance(v, float)]
        high = [v for p in parts for v in (p.lt, p.lte) if isinstance(v, float)]
        if low and high and max(low) > min(high):
            return field
    return None


def _never_matters(model: Model) -> Iterator[Finding]:
    caps = {group.id: group.cap for group in model.spec.group if group.cap is not None}
    in_segments = {name for segment in model.spec.segment for name, _ in segment.caps}
    rules: tuple[FitRule | EngagementRule, ...] = (*model.spec.fit, *model.spec.engagement)
    for rule in rules:
        table = "fit" if isinstance(rule, FitRule) else "engagement"
        cap = None if rule.group is None or rule.group in in_segments else caps.get(rule.group)
        most = rule.points
        bound = min([bound for bound in (cap, getattr(rule, "cap", None)) if bound is not None], default=None)
        if bound is not None and most > 0 and bound <= 0:
            yield _warning("never_matters", f"{table}.{rule.id}", f"its cap of {bound:g} leaves nothing of its points")
        elif bound is not None and most > bound:
            message = f"of its {most:g} points a cap leaves {bound:g} at most"
            yield _warning("never_matters", f"{table}.{rule.id}", message)


def _one_sided(model: Model) -> Iterator[Finding]:
    spec = model.spec
    lowest = [*(rule.points for rule in spec.fit), *(rule.points for rule in spec.engagement)]
    lowest += [bracket.points for rule in spec.fit for bracket in rule.brackets or ()]
    if not any(points < 0 for points in lowest):
        yield _warning("no_negative", "file", "no rule takes points away: students and job seekers score like buyers")


def _never_fades(model: Model) -> Iterator[Finding]:
    spec = model.spec
    fades = spec.decay.default.fades or any(rule.decay and rule.decay.fades for rule in spec.engagement)
    windows = all(rule.within is not None for rule in spec.engagement if rule.points > 0)
    if spec.engagement and not fades and spec.inactivity is None and not windows:
        yield _warning("no_decay", "file", "nothing fades: what somebody did years ago counts like today")


def _passive(model: Model) -> Iterator[Finding]:
    strong = [rule.points for rule in model.spec.engagement if set(rule.event or ()) & HIGH_INTENT]
    best = max(strong, default=0.0)
    for rule in model.spec.engagement:
        is_passive = set(rule.event or ()) <= PASSIVE and rule.where is None and rule.no_event_for is None
        if best > 0 and is_passive and rule.points > PASSIVE_SHARE * best:
            message = f"{rule.points:g} points for a passive action, over a fifth of the {best:g} for a raised hand"
            yield _warning("passive", f"engagement.{rule.id}", message)


def _bought_intent(model: Model) -> Iterator[Finding]:
    most = third_party_most(model)
    for segment, band in every_band(model.spec):
        threshold = _threshold(band)
        if most > 0 and threshold is not None and band.needs is None and most >= threshold:
            where = f"band.{band.id}" if segment is None else f"segment.{segment}.band.{band.id}"
            message = "third-party rules alone can reach it: give it `needs = { engagement_at_least = … }`"
            yield Finding("error", "third_party", where, message)


def _too_many(model: Model) -> Iterator[Finding]:
    count = len(model.spec.fit) + len(model.spec.engagement) + len(model.spec.multiply)
    if count > MOST_CRITERIA:
        message = f"{count} criteria, over {MOST_CRITERIA}: few people can say what such a score means"
        yield _warning("too_many", "file", message)


def _unbounded(model: Model) -> Iterator[Finding]:
    caps = {group.id for group in model.spec.group if group.cap is not None}
    for rule in model.spec.engagement:
        fades = (rule.decay or model.spec.decay.default).fades or rule.within is not None
        if most_of_engagement(rule) == float("inf") and not fades and rule.group not in caps:
            yield _warning("unbounded", f"engagement.{rule.id}", "it adds up without end: give it a cap or a decay")


_CHECKS: tuple[Callable[[Model], Iterator[Finding]], ...] = (
    _bought_intent,
    _unknown_slips_by,
    _unreachable_brackets,
    _unreachable_bands,
    _never_fires,
    _never_matters,
    _one_sided,
    _never_fades,
    _passive,
    _unbounded,
    _too_many,
)
