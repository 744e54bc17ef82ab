"""The people pass of an account: what the scores of its people add to it.

Reads `people_scores` (subject_id, state, engagement, total, idle_s of a person model) and `people`. People who are
suppressed, disqualified or gated count nowhere.
"""

from collections.abc import Sequence

from sqlglot import exp

from scoring.expressions import (
    Scalar,
    case,
    column,
    every,
    integer,
    least,
    named,
    normalised,
    number,
    or_zero,
    raw_text,
    text,
    times,
    total,
)
from scoring.model import Model
from scoring.segment_rules import Breadth, Coverage, Rollup
from scoring.segments import by_segment
from scoring.subjects import SQL_TYPES, Columns, source_column

PEOPLE_SCORES = "people_scores"
ROLLED = "rolled"
PEOPLE_IDLE_S = "people_idle_s"
KINDS = ("rollup", "breadth", "coverage")
_OUT = ("suppressed", "disqualified", "gated")
_VALUE, _PLACE, _ROLE = "value", "place", "role"


def part_column(kind: str) -> str:
    """Name the points that people bring: by roll-up, breadth or coverage."""
    return f"people.{kind}"


def parts(model: Model) -> list[str]:
    """Give the kinds of points that people can bring in this model."""
    if model.spec.rollup is None:
        return []
    given = {"rollup": True, "breadth": bool(_breadths(model)), "coverage": bool(_coverages(model))}
    return [kind for kind in KINDS if given[kind]]


def people_stages(model: Model, columns: Columns) -> dict[str, exp.Query]:
    """Give the stages that leave one row per account with what its people bring."""
    rollup = model.spec.rollup
    if rollup is None:
        return {}
    stages: dict[str, exp.Query] = {"team": _team(rollup, columns)}
    if rollup.kind in ("top_k", "diminishing"):
        order = exp.Order(
            expressions=[exp.Ordered(this=column(_VALUE), desc=True), exp.Ordered(this=column("person_id"))]
        )
        place = exp.Window(this=exp.RowNumber(), partition_by=[column("subject_id")], order=order)
        stages["ranked_team"] = exp.select(exp.Star(), named(place, _PLACE)).from_("team")
    return stages | {ROLLED: _rolled(model, rollup, list(stages)[-1])}


def people_points(model: Model) -> dict[str, Scalar]:
    """Give the points that people bring; an account without people gets none."""
    columns: dict[str, Scalar] = {}
    found = parts(model)
    if "rollup" in found:
        columns[part_column("rollup")] = or_zero(column("rolled.value"))
    if "breadth" in found:
        own = [(name, _breadth_points(name, rule)) for name, rule in _breadths(model) if name]
        columns[part_column("breadth")] = by_segment(_breadth_points("", model.spec.breadth), own)
    if "coverage" in found:
        own = [(name, _coverage_points(name, rule)) for name, rule in _coverages(model) if name]
        columns[part_column("coverage")] = by_segment(_coverage_points("", model.spec.coverage), own)
    return columns


def people_sum(model: Model) -> Scalar:
    """Give all that people bring."""
    return total([column(part_column(kind)) for kind in parts(model)])


def _team(rollup: Rollup, columns: Columns) -> exp.Select:
    """Select the people of accounts who count, with role and weighted value."""
    role = exp.func(
        "COALESCE", *(normalised(source_column("people", name, columns)) for name in ("buying_role", "seniority"))
    )
    weights = [(role.copy().eq(text(name)), number(weight)) for name, weight in rollup.role_weights]
    value = column(rollup.of, PEOPLE_SCORES)
    account_id = source_column("people", "account_id", columns)
    return (
        exp.select(
            named(account_id, "subject_id"),
            named(column("subject_id", PEOPLE_SCORES), "person_id"),
            named(times(value, case(weights, number(1.0))) if weights else value, _VALUE),
            named(column("engagement", PEOPLE_SCORES), "engagement"),
            named(column("idle_s", PEOPLE_SCORES), "idle_s"),
            named(exp.cast(role, SQL_TYPES["text"]), _ROLE),
        )
        .from_(PEOPLE_SCORES)
        .join("people", on=column("person_id", "people").eq(column("subject_id", PEOPLE_SCORES)))
        .where(
            exp.not_(column("state", PEOPLE_SCORES).isin(*map(raw_text, _OUT))),
            exp.not_(account_id.copy().is_(exp.null())),
        )
    )


def _rolled(model: Model, rollup: Rollup, source: str) -> exp.Select:
    selected = [
        named(column("subject_id"), "subject_id"),
        named(_rolled_value(rollup), "rolled.value"),
        named(exp.Min(this=column("idle_s")), PEOPLE_IDLE_S),
    ]
    for name, breadth in _breadths(model):
        engaged = case([(column("engagement") >= number(breadth.engaged_at_least), integer(1))], integer(0))
        selected.append(named(exp.Sum(this=engaged), f"rolled.breadth.{name}"))
    for name, coverage in _coverages(model):
        held = [exp.Max(this=case([(_holds_role(role, coverage), integer(1))], integer(0))) for role in coverage.roles]
        least_held = held[0] if len(held) == 1 else exp.func("LEAST", *held)
        selected.append(named(least_held, f"rolled.coverage.{name}"))
    return exp.select(*selected).from_(source).group_by(column("subject_id"))


def _holds_role(role: str, coverage: Coverage) -> Scalar:
    return every([column(_ROLE).eq(text(role)), column("engagement") >= number(coverage.engaged_at_least)])


def _rolled_value(rollup: Rollup) -> Scalar:
    value, place = column(_VALUE), column(_PLACE)
    match rollup.kind:
        case "sum":
            return exp.Sum(this=value)
        case "max":
            return exp.Max(this=value)
        case "top_k":
            return exp.Sum(this=case([(place <= integer(rollup.k or 1), value)], number(0.0)))
        case "diminishing":
            share = exp.func("POWER", number(rollup.ratio or 0.0), place - integer(1))
            return exp.Sum(this=times(value, share))


def _breadths(model: Model) -> Sequence[tuple[str, Breadth]]:
    own = [("", model.spec.breadth), *((segment.id, segment.breadth) for segment in model.spec.segment)]
    return [(name, rule) for name, rule in own if rule is not None]


def _coverages(model: Model) -> Sequence[tuple[str, Coverage]]:
    own = [("", model.spec.coverage), *((segment.id, segment.coverage) for segment in model.spec.segment)]
    return [(name, rule) for name, rule in own if rule is not None]


def _breadth_points(name: str, rule: Breadth | None) -> Scalar:
    if rule is None:
        return number(0.0)
    points = times(number(rule.points_each), or_zero(column(f"rolled.breadth.{name}")))
    return points if rule.cap is None else least(points, number(rule.cap))


def _coverage_points(name: str, rule: Coverage | None) -> Scalar:
    if rule is None:
        return number(0.0)
    return case([(column(f"rolled.coverage.{name}").eq(integer(1)), number(rule.points))], number(0.0))
