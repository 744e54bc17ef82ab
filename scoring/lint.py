"""What is allowed in a model and yet probably not meant, rule by rule."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from scoring.conditions import leaves, shown
from scoring.contradictions import contradiction
from scoring.model import Model, model_fields
from scoring.predict.findings import is_alone, table_findings
from scoring.reach import highest, most_engagement, most_fit, most_of_engagement, most_of_fit, third_party_most
from scoring.rules import Band, EngagementRule, FitRule, Group, MultiplyRule, Needs
from scoring.schema import PEOPLE
from scoring.segment_rules import Pillar
from scoring.specification import Specification, band_tables

MOST_CRITERIA = 15
_MOST_GRADE = 98
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
    scale = model.spec.model.scale
    top = math.inf if scale.max is None else scale.max
    for segment, scored in band_tables(model.spec):
        most = min(max(map(highest, scored)), top)
        bands = scored[0].band
        for place, band in enumerate(bands):
            where = _place(segment, band)
            earlier = next((one for one in bands[:place] if _swallows(one, band, scale.min)), None)
            if earlier is not None:
                yield _warning("unreachable", where, f"whoever could enter it enters '{earlier.id}' before it")
            threshold = _threshold(band)
            if threshold is not None and (threshold > most or (threshold == most and band.above is not None)):
                yield _warning("unreachable", where, f"it starts at {threshold:g}, the rules reach {most:g}")
            for message in _unmet(band, scored):
                yield _warning("unreachable", where, message)


def _place(segment: str | None, band: Band) -> str:
    return f"band.{band.id}" if segment is None else f"segment.{segment}.band.{band.id}"


def _unmet(band: Band, scored: Sequence[Specification]) -> Iterator[str]:
    """Say which needs of a band no points can meet."""
    needs = band.needs or Needs()
    reach = {
        "fit": (needs.fit_at_least, max(map(most_fit, scored))),
        "engagement": (
            needs.engagement_at_least,
            max(most_engagement(one, third_party=band.third_party) for one in scored),
        ),
    }
    for axis, (least, most) in reach.items():
        if least is not None and least > most:
            yield f"it needs {axis} {least:g}, the rules reach {most:g}"


def _threshold(band: Band) -> float | None:
    return band.at_least if band.at_least is not None else band.above


def _swallows(earlier: Band, later: Band, lowest: float | None) -> bool:
    if earlier.needs is not None:
        return False
    edge, own = _threshold(earlier), _threshold(later)
    if edge is None or (lowest is not None and earlier.at_least is not None and edge <= lowest):
        return True
    if own is None:
        return False
    return edge < own or (edge == own and (earlier.above is None or later.above is not None))


def _never_fires(model: Model) -> Iterator[Finding]:
    conditions = {f"fit.{rule.id}": rule.when for rule in model.spec.fit}
    conditions |= {f"{table}.{rule.id}": rule.where for table, rule in _of_events(model)}
    conditions |= {f"segment.{segment.id}": segment.when for segment in model.spec.segment}
    for where, condition in conditions.items():
        clash = contradiction(condition)
        if clash is not None:
            yield _warning("never_fires", where, f"no value satisfies it: {clash}")
    for table, rule in _of_events(model):
        for leaf in leaves(rule.where) if rule.where and rule.where.field else ():
            names = {str(value).strip().lower() for value in leaf.operands}
            if leaf.field == "type" and leaf.operator in ("is_", "in_") and not names & set(rule.event or ()):
                yield _warning("never_fires", f"{table}.{rule.id}", "its 'where' asks for a type that 'event' lacks")
            if leaf.field == "is_bot" and leaf.is_ is True:
                yield _warning("never_fires", f"{table}.{rule.id}", "events of bots never count")
    yield from _never_silent(model)


def _of_events(model: Model) -> list[tuple[str, EngagementRule | MultiplyRule]]:
    rules: list[tuple[str, EngagementRule | MultiplyRule]] = [("engagement", rule) for rule in model.spec.engagement]
    return rules + [("multiply", rule) for rule in model.spec.multiply]


def _never_silent(model: Model) -> Iterator[Finding]:
    active = any(rule.counts_as_activity for rule in model.spec.engagement)
    for silent in model.spec.engagement:
        if silent.no_event_for is not None and not active and model.spec.rollup is None:
            message = "silence is counted from the newest activity, and no rule with points > 0 counts any"
            yield _warning("never_fires", f"engagement.{silent.id}", message)


def _most(rule: FitRule | EngagementRule) -> float:
    return most_of_fit(rule) if isinstance(rule, FitRule) else rule.points


def _summed_in(rule: FitRule | EngagementRule) -> str | None:
    """Name the group or pillar whose bounds a rule's points come under."""
    return rule.group or (rule.pillar if isinstance(rule, FitRule) else None)


def _never_matters(model: Model) -> Iterator[Finding]:
    bounds: dict[str, Group | Pillar] = {group.id: group for group in model.spec.group}
    bounds |= {pillar.id: pillar for pillar in model.spec.pillar}
    in_segments = {name for segment in model.spec.segment for name, _ in segment.caps}
    overridden = {name for segment in model.spec.segment for name, _ in segment.points}
    rules: tuple[FitRule | EngagementRule, ...] = (*model.spec.fit, *model.spec.engagement)
    for rule in rules:
        where = f"{'fit' if isinstance(rule, FitRule) else 'engagement'}.{rule.id}"
        group = bounds.get(_summed_in(rule) or "")
        cap = None if group is None or group.id in in_segments else group.cap
        bound = min([bound for bound in (cap, getattr(rule, "cap", None)) if bound is not None], default=None)
        most = _most(rule)
        if bound is not None and most > 0 and bound <= 0:
            yield _warning("never_matters", where, f"its cap of {bound:g} leaves nothing of its points")
        elif bound is not None and most > bound:
            yield _warning("never_matters", where, f"of its {most:g} points a cap leaves {bound:g} at most")
        lifted = any(_summed_in(other) == _summed_in(rule) and _most(other) > 0 for other in rules)
        floor = None if group is None or lifted else group.floor
        if floor is not None and rule.points < floor <= 0:
            yield _warning("never_matters", where, f"of its {rule.points:g} points a floor leaves {floor:g} at most")
        decides = isinstance(rule, FitRule) and (rule.gate or rule.disqualify or rule.brackets)
        if rule.points == 0 and not decides and rule.id not in overridden:
            yield _warning("never_matters", where, "it gives 0 points")
    for multiplier in model.spec.multiply:
        if multiplier.factor == 1 or multiplier.max_points == 0:
            yield _warning("never_matters", f"multiply.{multiplier.id}", "it adds nothing: raise factor or max_points")
    for pillar in model.spec.pillar:
        if pillar.weight == 0:
            yield _warning("never_matters", f"pillars.{pillar.id}", "its weight of 0 leaves nothing of its rules")


def _one_sided(model: Model) -> Iterator[Finding]:
    spec = model.spec
    if is_alone(model):
        return
    lowest = [*(rule.points for rule in spec.fit), *(rule.points for rule in spec.engagement)]
    lowest += [bracket.points for rule in spec.fit for bracket in rule.brackets or ()]
    if not any(points < 0 for points in lowest):
        yield _warning("no_negative", "file", "no rule takes points away: students and job seekers score like buyers")


def _never_fades(model: Model) -> Iterator[Finding]:
    spec = model.spec
    if is_alone(model):
        return
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
    for segment, scored in band_tables(model.spec):
        most = max(map(third_party_most, scored))
        for band in scored[0].band:
            threshold = _threshold(band)
            if most > 0 and threshold is not None and band.needs is None and most >= threshold:
                message = "third-party rules alone can reach it: give it `needs = { engagement_at_least = … }`"
                yield Finding("error", "third_party", _place(segment, band), message)


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


def _needs_quality(model: Model) -> Iterator[Finding]:
    """What nobody reads need not be filled, and what can never be met refuses every score."""
    needs = model.spec.needs_quality
    if needs is None:
        return
    for name, _ in needs.fill:
        if name not in model_fields(model):
            yield _warning("needs_quality", f"needs_quality.fill.{name}", "no rule reads this field")
    for area, grade in needs.grades().items():
        where = f"needs_quality.{area}_at_least"
        if grade == 0:
            yield _warning("needs_quality", where, "every grade is at least 0: leave it out")
        elif grade > _MOST_GRADE:
            yield _warning(
                "needs_quality", where, f"hardly any facts are graded over {_MOST_GRADE}: it refuses for good"
            )
    if needs.newest_event_within is not None and not model.spec.engagement:
        yield _warning("needs_quality", "needs_quality.newest_event_within", "no rule reads events")


def _of_table(model: Model) -> Iterator[Finding]:
    for check, where, message in table_findings(model):
        yield _warning(check, where, message)


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
    _needs_quality,
    _of_table,
)
