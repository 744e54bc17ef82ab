"""A model as SQL: the passes in their order, materialised once, and one SELECT per output over the result."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from sqlglot import exp

from scoring import expressions
from scoring.adjustments import ADJUSTED, adjusted_columns, has_ledger, ledger_stages
from scoring.annotations import annotated
from scoring.bands import band_columns
from scoring.columns import FIRST_PARTY, SEGMENT, when_column
from scoring.combine import (
    axis_columns,
    engagement_sum,
    final_columns,
    group_sums,
    group_values,
    multiplier_columns,
    rounded_total,
    scaled_total,
    weighted_sum,
)
from scoring.conditions import operand_problems
from scoring.contributions import Line, contributions, lines, model_lines, stored_columns, words_of
from scoring.dialects import rendered
from scoring.engagement import engagement_columns
from scoring.events import IDLE, EventScope, distinct_rules, distinct_tallies, facts, idle_s, matches, tallies
from scoring.expressions import Scalar, column, integer, named, null, raw_text, time_of
from scoring.fit import FitScope, fit_columns, state_columns
from scoring.model import Model, ModelError, features_of, model_fields, rule_events
from scoring.overrides import override_columns
from scoring.people import PEOPLE_SCORES, ROLLED, people_points, people_stages
from scoring.pillars import pillar_column, pillar_sums, pillar_values
from scoring.predicates import predicate
from scoring.predict.blend import (
    beside_columns,
    log_odds_columns,
    model_columns,
    model_scaled,
    results,
    term_columns,
)
from scoring.predict.features import TALLIES, feature_problems, feature_stages, feature_values
from scoring.predict.tables import value_column
from scoring.reasons import MACROS as REASON_MACROS
from scoring.reasons import WORDED_MACROS, explained, has_words, reasons
from scoring.schema import ColumnType
from scoring.segments import segment_column
from scoring.specification import conditions, event_conditions, every_band, has_third_party
from scoring.statement import Statement, clock, epoch_s
from scoring.subjects import Columns, account_subjects, feature_name, field_types, subjects
from scoring.third_party import first_party_columns

# Each pass adds columns that the next ones read; this order is the order of evaluation.
PASSES: tuple[Callable[[Model], dict[str, Scalar]], ...] = (
    engagement_columns,
    multiplier_columns,
    group_sums,
    group_values,
    pillar_sums,
    pillar_values,
    people_points,
    axis_columns,
    engagement_sum,
    first_party_columns,
    weighted_sum,
    scaled_total,
    final_columns,
    rounded_total,
    band_columns,
)
# What comes between the total of the rules and the final one where a model says so.
TABLE_PASSES: tuple[Callable[[Model], dict[str, Scalar]], ...] = (
    term_columns,
    log_odds_columns,
    model_columns,
    model_scaled,
    override_columns,
    beside_columns,
)


Shape = tuple[tuple[str, tuple[tuple[str, ColumnType], ...]], ...]
MACROS = (*expressions.MACROS, *REASON_MACROS)
"""What a statement makes before all else in DuckDB."""

_TALLIES = "tallies_"
_RESULTS = ("subject_id", "as_of_s", "state", "fit", "engagement", "total", "band", "fit_grade", "engagement_grade")


def compile_model(
    model: Model,
    *,
    as_of: datetime,
    columns: Mapping[str, Mapping[str, ColumnType]],
    dialect: str = "duckdb",
    people: Model | None = None,
    annotate: bool = False,
) -> Statement:
    """Compile a model for tables with these columns; raises ModelError when it reads a field that they do not have.

    `people` is the person model whose scores an account model rolls up; it is needed where there is a `[rollup]`.

    `as_of` (UTC when it names no zone, floored to whole seconds) enters through the table `clock` alone, so that the
    rest of the text is the same for every time. In other dialects than DuckDB's `reasons` is null. `annotate` adds
    comments with the ids of rules. Raises ValueError where the dialect cannot say the model, or is not known.
    """
    shape = tuple((table, tuple(sorted(kinds.items()))) for table, kinds in sorted(columns.items()))
    texts = _texts(model, people, shape, dialect, annotate)
    if dialect == "duckdb":
        return replace(texts, prepare=(clock(as_of), *MACROS, *texts.prepare))
    seconds = exp.select(named(exp.cast(integer(epoch_s(as_of)), "bigint"), "as_of_s"))
    return replace(texts, prepare=(rendered(_temporary("clock", seconds), dialect), *texts.prepare))


@lru_cache(maxsize=32)
def _texts(model: Model, people: Model | None, shape: Shape, dialect: str, annotate: bool) -> Statement:
    """Compile all but the clock."""
    columns = {table: dict(kinds) for table, kinds in shape}
    _refuse_wrong_people(model, people)
    types = _types(model, columns)
    found, beside = lines(model, adjusted=has_ledger(columns)), model_lines(model)
    made = [(model, _temporary("scored", _scored(model, types, columns, (*found, *beside))))]
    if people is not None:
        made.insert(0, (people, _temporary(PEOPLE_SCORES, _people_scores(people, columns))))
    prepared = tuple(rendered(annotated(query, of) if annotate else query, dialect) for of, query in made)
    scores, rows = (rendered(query, dialect) for query in (_scores(model, found, dialect), contributions(found)))
    words = WORDED_MACROS if dialect == "duckdb" and has_words(found) else ()
    terms = rendered(contributions(beside), dialect) if beside else ""
    return Statement((*words, *prepared), scores, rows, words_of(found), terms)


def _types(model: Model, columns: Columns) -> dict[str, ColumnType]:
    types, problems = field_types(model_fields(model), columns, of_accounts=model.spec.model.subject == "account")
    problems += [*_misuses(model, types), *feature_problems(features_of(model), types)]
    if problems:
        raise ModelError(tuple(f"{model.file}: {problem}" for problem in problems))
    return types


def _refuse_wrong_people(model: Model, people: Model | None) -> None:
    """Raise ModelError unless the person model is the one that the roll-up names."""
    rollup = model.spec.rollup
    wanted, given = rollup.model if rollup else None, people.id if people else None
    if wanted != given:
        raise ModelError((f"{model.file}: rollup.model: the people of '{wanted}' are needed, '{given}' was given",))
    if people is not None and people.spec.model.subject != "person":
        raise ModelError((f"{model.file}: rollup.model: '{given}' scores accounts, people are needed",))


def _people_scores(people: Model, columns: Columns) -> exp.Select:
    """Select what a roll-up reads of the scores of people."""
    stages = _stages(people, _types(people, columns), columns)
    wanted = ("subject_id", "state", "engagement", "total", IDLE)
    return _with(exp.select(*map(column, wanted)).from_(_add_passes(people, stages)), stages)


def _misuses(model: Model, types: Mapping[str, ColumnType]) -> list[str]:
    """Say which rules use a field against its type; canonical fields were checked when the model was loaded."""
    every = conditions(model.spec) + event_conditions(model.spec)
    found = [problem for condition in every for problem in operand_problems(condition, types.get)]
    bracketed = [rule.field for rule in model.spec.fit if rule.field is not None]
    wrong = [field for field in bracketed if types.get(field, "number") != "number"]
    return found + [f"'{field}' is {types[field]}: brackets need a number" for field in wrong]


def _temporary(name: str, query: exp.Query) -> exp.Create:
    properties = exp.Properties(expressions=[exp.TemporaryProperty()])
    return exp.Create(this=exp.to_table(name), kind="TABLE", expression=query, properties=properties)


def _scored(model: Model, types: Mapping[str, ColumnType], columns: Columns, found: tuple[Line, ...]) -> exp.Select:
    stages = _stages(model, types, columns)
    stored = [*_RESULTS, *results(model), *([SEGMENT] if model.spec.segment else [])]
    stored += [FIRST_PARTY] if has_third_party(model.spec) else []
    stored += [when_column(segment, band.id) for segment, band in every_band(model.spec) if band.own_condition]
    stored += [pillar_column(pillar.id, "value") for pillar in model.spec.pillar]
    query = exp.select(*map(column, stored), *_named(stored_columns(found))).from_(
        _add_passes(model, stages), copy=False
    )
    return _with(query, stages)


def _stages(model: Model, types: Mapping[str, ColumnType], columns: Columns) -> dict[str, exp.Query]:
    """Give the stages before the passes."""
    everybody = account_subjects if model.spec.model.subject == "account" else subjects
    stages: dict[str, exp.Query] = {"subjects": everybody(types, columns), **_member_stages(model, types)}
    stages |= ledger_stages(model.id, columns)
    stages |= _event_stages(model, types, columns)
    stages |= people_stages(model, columns)
    of_accounts = model.spec.model.subject == "account"
    stages |= feature_stages(features_of(model), columns, "members", of_accounts=of_accounts)
    stages["tallied"] = _tallied(model, types, stages, columns)
    return stages


def _with(query: exp.Select, stages: Mapping[str, exp.Query]) -> exp.Select:
    for name, stage in stages.items():
        query = query.with_(name, as_=stage, copy=False)
    return query


def _member_stages(model: Model, types: Mapping[str, ColumnType]) -> dict[str, exp.Query]:
    """Give the subjects of the model's audience with their segment, and with what they are."""
    scope = FitScope(types, dict(model.lists))
    segment = {SEGMENT: segment_column(model, scope.features, scope.lists)} if model.spec.segment else {}
    added = fit_columns(model, scope) | state_columns(model, scope)
    source = "segmented" if segment else "subjects"
    query = exp.select(exp.Star(), *_named(added)).from_(source, copy=False)
    audience = model.spec.model.audience
    members = query if audience is None else query.where(predicate(audience, scope.features, scope.lists))
    segmented = exp.select(exp.Star(), *_named(segment)).from_("subjects")
    stages: dict[str, exp.Query] = {source: segmented} if segment else {}
    return stages | {"members": members}


def _event_stages(model: Model, types: Mapping[str, ColumnType], columns: Columns) -> dict[str, exp.Query]:
    if not rule_events(model):
        return {}
    stages: dict[str, exp.Query] = {
        "facts": facts(model, columns),
        "matches": matches(model, EventScope(types, dict(model.lists))),
        f"{_TALLIES}0": tallies(model),
    }
    for position, rule in enumerate(distinct_rules(model), start=1):
        stages[f"{_TALLIES}{position}"] = distinct_tallies(model, rule)
    return stages


def _tallied(
    model: Model, types: Mapping[str, ColumnType], stages: Mapping[str, exp.Query], columns: Columns
) -> exp.Select:
    """Select the members with their tallies, null where somebody has no matching event, and their adjustments."""
    query = exp.select(exp.Column(this=exp.Star(), table=exp.to_identifier("members"))).from_("members")
    sources = [name for name in stages if name.startswith(_TALLIES)]
    for source in sources:
        added = [column(name, source) for name in stages[source].named_selects if name != "subject_id"]
        query = query.select(*added, copy=False).join(source, on=_of_member(source), join_type="left", copy=False)
    if ADJUSTED in stages:
        query = query.join(ADJUSTED, on=_of_member(ADJUSTED), join_type="left", copy=False)
    if ROLLED in stages:
        added = [column(name, ROLLED) for name in stages[ROLLED].named_selects if name != "subject_id"]
        query = query.select(*added, copy=False).join(ROLLED, on=_of_member(ROLLED), join_type="left", copy=False)
    if TALLIES in stages:
        query = query.join(TALLIES, on=_of_member(TALLIES), join_type="left", copy=False)
    fields: dict[str, Scalar] = {field: column(feature_name(field), "members") for field in types}
    features = feature_values(features_of(model), types, fields, "members")
    query = query.select(*(named(value, value_column(name)) for name, value in features.items()), copy=False)
    return query.select(named(idle_s(model), IDLE), *adjusted_columns(columns), copy=False)


def _of_member(source: str) -> Scalar:
    return column("subject_id", source).eq(column("subject_id", "members"))


def _add_passes(model: Model, stages: dict[str, exp.Query]) -> str:
    previous = "tallied"
    for position, of_pass in enumerate(_passes(model), start=1):
        added = of_pass(model)
        if added:
            name = f"pass_{position}"
            stages[name] = exp.select(exp.Star(), *_named(added)).from_(previous, copy=False)
            previous = name
    return previous


def _passes(model: Model) -> tuple[Callable[[Model], dict[str, Scalar]], ...]:
    if model.table is None and not model.spec.override:
        return PASSES
    after_rules = PASSES.index(scaled_total) + 1
    return (*PASSES[:after_rules], *TABLE_PASSES, *PASSES[after_rules:])


def _named(columns: Mapping[str, Scalar]) -> list[exp.Alias]:
    return [named(expression, name) for name, expression in columns.items()]


def _scores(model: Model, found: tuple[Line, ...], dialect: str) -> exp.Select:
    has_lists = dialect == "duckdb"
    return exp.select(
        column("subject_id"),
        named(raw_text(model.id), "model_id"),
        named(raw_text(model.hash), "model_hash"),
        named(time_of(column("as_of_s")), "as_of"),
        *(column(name) for name in (*_RESULTS, *results(model)) if name not in ("subject_id", "as_of_s")),
        named(reasons(found) if has_lists else null("text"), "reasons"),
        *(named(column(pillar_column(pillar.id, "value")), f"pillar_{pillar.id}") for pillar in model.spec.pillar),
    ).from_(explained(found) if has_lists else "scored", copy=False)


__all__ = ["MACROS", "PASSES", "Statement", "compile_model"]
