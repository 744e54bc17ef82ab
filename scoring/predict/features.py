"""The features of subjects as they were at a time, as SQL: the same statement for training and for scoring.

Reads a relation of snapshots (subject_id, as_of_s), `people`, `accounts` and `events`. An event is known to a snapshot
if it happened before as_of_s, strictly: one of the same second may be what the model is to foretell.
"""

from collections.abc import Collection, Mapping, Sequence

from sqlglot import exp

from scoring.conditions import leaves, operand_problems
from scoring.decay import share_left
from scoring.events import EventScope, event_column
from scoring.expressions import (
    Scalar,
    bigint,
    case,
    column,
    epoch_s,
    every,
    holds,
    integer,
    named,
    number,
    or_zero,
    place_in,
    raw_text,
    table,
)
from scoring.names import nearest
from scoring.predicates import branch
from scoring.predict.artefact import Feature, TableError
from scoring.rules import DecayRule
from scoring.schema import EVENTS, ColumnType
from scoring.subjects import Columns, account_field, feature_name, field_types, person_field, source_column

DAY_S = 86400
SNAPSHOTS, EVENTS_KNOWN, TALLIES = "snapshots", "feature_events", "feature_tallies"
_KEYS = ("subject_id", "as_of_s")
_TYPE_CODE, _AGE, _DAY = "feature_type", "feature_age_s", "feature_day"
_SCOPE = EventScope({}, {})


def feature_statement(
    features: Sequence[Feature],
    columns: Columns,
    *,
    of_accounts: bool = False,
    snapshots: str = SNAPSHOTS,
    known: Collection[str] = (),
) -> exp.Select:
    """Select subject_id, as_of_s and a column per feature, named by its id, for every row of the snapshots.

    Numbers are float64, null where unknown (counts and sums of nothing are 0); texts are trimmed and lowered. `known`
    are fields whose value at as_of the snapshots have themselves, in the column `f.FIELD` and in the form of
    `subjects.comparable` (normalised text, float64 without NaN, whole seconds); all others are read as they are now.
    The events of an account are those that name it and those of its people. Raises TableError naming every feature that
    these columns cannot give.
    """
    types = feature_types(features, columns, of_accounts=of_accounts)
    stages = feature_stages(features, columns, snapshots, of_accounts=of_accounts)
    needed = [field for field in types if field not in known]
    source = table(snapshots)
    query = exp.select(*(named(column(key, snapshots), key) for key in _KEYS)).from_(source, copy=False)
    query = _with_subjects(query, columns, snapshots, of_accounts=of_accounts) if needed else query
    if stages:
        same = every([column(key, TALLIES).eq(column(key, snapshots)) for key in _KEYS])
        query = query.join(table(TALLIES), on=same, join_type="left", copy=False)
    read = account_field if of_accounts else person_field
    fields = {field: read(field, types[field], columns) for field in needed}
    fields |= {field: column(feature_name(field), snapshots) for field in types if field in known}
    values = feature_values(features, types, fields, snapshots)
    query = query.select(*(named(value, name) for name, value in values.items()), copy=False)
    for name, stage in stages.items():
        query = query.with_(name, as_=stage, copy=False)
    return query


def feature_values(
    features: Sequence[Feature], types: Mapping[str, ColumnType], fields: Mapping[str, Scalar], snapshots: str
) -> dict[str, Scalar]:
    """Give each feature from the fields of a snapshot and from the tallies joined to it."""
    return {feature.id: _value(feature, fields, types, snapshots) for feature in features}


def feature_types(features: Sequence[Feature], columns: Columns, *, of_accounts: bool) -> dict[str, ColumnType]:
    """Give the type of every field that the features read; raises TableError naming each that does not fit."""
    wanted = frozenset(field for feature in features if (field := feature.read_field) is not None)
    types, problems = field_types(wanted, columns, of_accounts=of_accounts)
    problems += feature_problems(features, types)
    if problems:
        raise TableError(list(dict.fromkeys(problems)))
    return types


def feature_problems(features: Sequence[Feature], types: Mapping[str, ColumnType]) -> list[str]:
    """Say which features read a field that is not of their kind."""
    problems = []
    for feature in features:
        kind = types.get(feature.read_field or "")
        if kind is not None and kind not in _TYPES_OF[_use(feature)]:
            allowed = " or ".join(_TYPES_OF[_use(feature)])
            problems.append(f"{feature.id}: '{feature.read_field}' is {kind}, {allowed} is needed")
        problems += [f"{feature.id}: where: {text}" for text in operand_problems(feature.where, _event_type)]
        problems += [f"{feature.id}: where: {text}" for text in _unknown_columns(feature)]
    return problems


_TYPES_OF: Mapping[str, tuple[ColumnType, ...]] = {
    "numeric": ("number",),
    "categorical": ("text", "boolean"),
    "tenure_days": ("datetime",),
}


def _use(feature: Feature) -> str:
    return "tenure_days" if feature.kind == "tenure_days" else feature.role


def _event_type(field: str) -> ColumnType | None:
    return "map" if field.startswith("props.") else EVENTS.columns.get(field)


def _unknown_columns(feature: Feature) -> list[str]:
    return [
        f"an event has no field '{name}'{nearest(name, EVENTS.columns)}"
        for name in _where_columns(feature)
        if name not in EVENTS.columns
    ]


def _where_columns(feature: Feature) -> list[str]:
    return [(leaf.field or "").split(".")[0] for leaf in leaves(feature.where)]


def _with_subjects(query: exp.Select, columns: Columns, snapshots: str, *, of_accounts: bool) -> exp.Select:
    subject_id = column("subject_id", snapshots)
    if of_accounts:
        return query.join(
            table("accounts"), on=column("account_id", "accounts").eq(subject_id), join_type="left", copy=False
        )
    query = query.join(table("people"), on=column("person_id", "people").eq(subject_id), join_type="left", copy=False)
    in_account = column("account_id", "accounts").eq(source_column("people", "account_id", columns))
    return query.join(table("accounts"), on=in_account, join_type="left", copy=False)


def feature_stages(
    features: Sequence[Feature], columns: Columns, snapshots: str, *, of_accounts: bool
) -> dict[str, exp.Query]:
    """Give the events that each snapshot knows of and one row per snapshot with what they add up to; {} without any."""
    of_events = [feature for feature in features if feature.reads_events]
    if not of_events:
        return {}
    aggregates = [named(_tally(feature, _codes(of_events)), feature.id) for feature in of_events]
    tallies = exp.select(*map(column, _KEYS), *aggregates).from_(table(EVENTS_KNOWN), copy=False)
    return {
        EVENTS_KNOWN: _known_events(of_events, columns, snapshots, of_accounts=of_accounts),
        TALLIES: tallies.group_by(*map(column, _KEYS), copy=False),
    }


def _codes(features: Sequence[Feature]) -> dict[str, int]:
    types = sorted({event for feature in features for event in feature.event or ()})
    return {name: code for code, name in enumerate(types, start=1)}


def _known_events(features: Sequence[Feature], columns: Columns, snapshots: str, *, of_accounts: bool) -> exp.Select:
    codes = _codes(features)
    occurred_s = epoch_s(column("occurred_at", "events"))
    as_of_s = column("as_of_s", snapshots)
    age_s = exp.paren(as_of_s.copy() - occurred_s.copy())
    selected = [named(column(key, snapshots), key) for key in _KEYS]
    selected.append(named(age_s, _AGE))
    if codes:
        selected.append(named(place_in(list(codes), column("type", "events")), _TYPE_CODE))
    if any(feature.kind == "active_days" for feature in features):
        selected.append(named(bigint(exp.Floor(this=exp.paren(occurred_s) / number(float(DAY_S)))), _DAY))
    read = sorted({name for feature in features for name in _where_columns(feature)})
    selected += [named(event_column(name, columns), name) for name in read]
    query = exp.select(*selected).from_(table("events"), copy=False)
    query, subject_id = _subject_of(query, columns, of_accounts=of_accounts)
    query = query.join(table(snapshots), on=column("subject_id", snapshots).eq(subject_id), copy=False)
    query = query.where(
        exp.not_(holds(source_column("events", "is_bot", columns))), age_s.copy() > integer(0), copy=False
    )
    if all(feature.event for feature in features):
        query = query.where(place_in(list(codes), column("type", "events")) > integer(0), copy=False)
    return query


def _subject_of(query: exp.Select, columns: Columns, *, of_accounts: bool) -> tuple[exp.Select, Scalar]:
    person_id = source_column("events", "person_id", columns)
    if not of_accounts:
        return query, person_id
    query = query.join(table("people"), on=column("person_id", "people").eq(person_id), join_type="left", copy=False)
    named_ids = source_column("events", "account_id", columns), source_column("people", "account_id", columns)
    return query, exp.func("COALESCE", *named_ids)


def _tally(feature: Feature, codes: Mapping[str, int]) -> Scalar:
    tests: list[Scalar] = []
    if feature.event is not None:
        tests.append(column(_TYPE_CODE).isin(*(integer(codes[name]) for name in feature.event)))
    if feature.within_days is not None:
        tests.append(column(_AGE) < integer(feature.within_days * DAY_S))
    if feature.where is not None:
        tests.append(branch(feature.where, _SCOPE, {}))
    age = case([(every(tests), column(_AGE))]) if tests else column(_AGE)
    match feature.kind:
        case "count":
            return exp.Count(this=age)
        case "recency_days":
            return exp.Min(this=age)
        case "active_days":
            day = case([(every(tests), column(_DAY))]) if tests else column(_DAY)
            return exp.Count(this=exp.Distinct(expressions=[day]))
        case _:
            fades = DecayRule.model_validate({"half_life": f"{feature.half_life_days}d"})
            return exp.Sum(this=share_left(fades, age))


def _value(feature: Feature, fields: Mapping[str, Scalar], types: Mapping[str, ColumnType], snapshots: str) -> Scalar:
    tally = column(feature.id, TALLIES)
    match feature.kind:
        case "count" | "active_days":
            return exp.cast(or_zero(tally), "double")
        case "decayed":
            return exp.Coalesce(this=tally, expressions=[number(0.0)])
        case "recency_days":
            return tally / number(float(DAY_S))
        case "tenure_days":
            age = exp.paren(column("as_of_s", snapshots) - fields[feature.read_field or ""])
            return case([(age >= integer(0), age.copy() / number(float(DAY_S)))])
        case "attribute":
            value = fields[feature.field or ""]
            if types[feature.field or ""] != "boolean":
                return value
            return case([(value.copy(), raw_text("true")), (exp.not_(value.copy()), raw_text("false"))])
