"""The engagement pass: what somebody is doing, from the tallies of events."""

from sqlglot import exp

from scoring.decay import kept_per_period, share_left
from scoring.events import IDLE, tally_column
from scoring.expressions import Scalar, case, clamp, column, integer, number, or_zero, times
from scoring.fit import points_column
from scoring.model import Model
from scoring.rules import DecayRule, EngagementRule, Inactivity, MultiplyRule, PerPeriod
from scoring.segments import rule_points


def engagement_columns(model: Model) -> dict[str, Scalar]:
    """Give the points of every engagement rule."""
    return {points_column(rule.id): _points(model, rule) for rule in model.spec.engagement}


def _points(model: Model, rule: EngagementRule) -> Scalar:
    each = rule_points(model, rule)
    decay = rule.decay or model.spec.decay.default
    points = _silence(rule, each) if rule.no_event_for is not None else _awarded(rule, each, decay)
    return points if rule.cap is None else clamp(points, -rule.cap, rule.cap)


def _awarded(rule: EngagementRule, points: Scalar, decay: DecayRule) -> Scalar:
    events = or_zero(column(tally_column(rule.id, "events")))
    if rule.award == "once":
        share = share_left(decay, column(tally_column(rule.id, "newest_s")))
    elif decay.fades:
        share = column(tally_column(rule.id, "share"))
    else:
        share = events.copy()
    return case([(exp.GTE(this=events, expression=integer(rule.at_least)), times(points, share))], number(0.0))


def _silence(rule: EngagementRule, points: Scalar) -> Scalar:
    long_s = integer(rule.no_event_for or 0)
    idle = column(IDLE)
    if rule.event is None:
        silent: Scalar = idle >= long_s
    else:
        newest = column(tally_column(rule.id, "newest_s"))
        quiet = exp.or_(newest.is_(exp.null()), newest.copy() >= long_s)
        silent = exp.and_(exp.not_(idle.is_(exp.null())), quiet)
    return case([(silent, points)], number(0.0))


def multiply_column(rule: MultiplyRule, group_sum: Scalar) -> Scalar:
    """Give what a multiplier adds to the unmultiplied sum of its group."""
    fired = or_zero(column(tally_column(rule.id, "events"))) > integer(0)
    gain = exp.func("GREATEST", group_sum, number(0.0)) * number(rule.factor - 1.0)
    return case([(fired, exp.func("LEAST", gain, number(rule.max_points)))], number(0.0))


def kept_share(inactivity: Inactivity | None) -> Scalar:
    """Give the share of the positive engagement that silence leaves; 1 where there never was activity."""
    if inactivity is None:
        return number(1.0)
    idle = column(IDLE)
    if inactivity.per_period is not None:
        return case(_per_period(inactivity.per_period), number(1.0))
    steps = reversed(inactivity.steps or ())
    return case([(idle >= integer(step.after), number(step.keep)) for step in steps], number(1.0))


def _per_period(rule: PerPeriod) -> list[tuple[Scalar, Scalar]]:
    idle = column(IDLE)
    branches: list[tuple[Scalar, Scalar]] = []
    if rule.zero_after is not None:
        branches.append((idle >= integer(rule.zero_after), number(0.0)))
    starts_after = rule.every if rule.starts_after is None else rule.starts_after
    return [*branches, (idle >= integer(starts_after), kept_per_period(rule.keep, rule.every, idle.copy()))]
