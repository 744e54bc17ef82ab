"""The event passes: which events a rule matches, and one pass over them that tallies every rule per person.

Reads `events`, `clock` and, where a `where` asks for account fields, `members`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from scoring.adjustments import ADJUSTED, RESET_S, has_ledger
from scoring.conditions import Condition, leaves
from scoring.decay import share_left
from scoring.expressions import (
    Scalar,
    case,
    column,
    epoch_s,
    every,
    holds,
    integer,
    known_number,
    left_trimmed,
    lowered,
    named,
    normalised,
    null,
    place_in,
    raw_text,
    table,
    trimmed,
)
from scoring.model import Model
from scoring.people import PEOPLE_IDLE_S
from scoring.predicates import Lists, branch
from scoring.rules import DecayRule, EngagementRule, MultiplyRule
from scoring.schema import EVENTS, ColumnType
from scoring.segments import active_age, activity_rules
from scoring.specification import event_conditions, event_rules
from scoring.subjects import SQL_TYPES, Columns, comparable, feature_name, source_column

EventRule = EngagementRule | MultiplyRule
IDLE = "idle_s"
_TYPE_CODE = "type_code"
_NEVER_S = 2**62


@dataclass(frozen=True)
class EventScope:
    """Where conditions on an event read: the columns of `facts`, and the account fields joined to it."""

    types: Mapping[str, ColumnType]
    lists: Lists

    def value(self, field: str, wanted: ColumnType) -> Scalar:
        """Give an event's column, one of its properties as the wanted type, or an account field."""
        if field.startswith("account."):
            return column(feature_name(field))
        if field.startswith("props."):
            return _property(field, wanted)
        return comparable(column(field), EVENTS.columns[field])

    def haystack(self, field: str) -> Scalar:
        """Give a text lowered and not trimmed: what is looked for is trimmed already."""
        if field.startswith("account."):
            return column(feature_name(field))
        return lowered(raw_value(field))

    def head(self, field: str) -> Scalar:
        """Give a text lowered and trimmed on the left alone: trimming both ends of every event's text is dear."""
        if field.startswith("account."):
            return column(feature_name(field))
        return lowered(left_trimmed(raw_value(field)))

    def column_type(self, field: str) -> ColumnType:
        """Give the type of a field of an event."""
        if field.startswith("account."):
            return self.types[field]
        return "map" if field.startswith("props.") else EVENTS.columns[field]

    def age_s(self, field: str) -> Scalar:
        """Give the age of a time that the event or its account carries."""
        return column("as_of_s") - self.value(field, "datetime")


def raw_value(field: str) -> Scalar:
    """Give an event's column or property as it is."""
    if field.startswith("props."):
        return exp.Bracket(this=column("props"), expressions=[raw_text(field.removeprefix("props."))])
    return column(field)


def _property(field: str, wanted: ColumnType) -> Scalar:
    raw = trimmed(raw_value(field))
    match wanted:
        case "number":
            return known_number(exp.TryCast(this=raw, to=exp.DataType.build("double")))
        case "datetime":
            return epoch_s(exp.TryCast(this=raw, to=exp.DataType.build("timestamptz")))
        case "boolean":
            is_true, is_false = (lowered(raw.copy()).eq(raw_text(word)) for word in ("true", "false"))
            return case([(is_true, exp.true()), (is_false, exp.false())])
        case _:
            return normalised(raw_value(field))


def facts(model: Model, columns: Columns) -> exp.Select:
    """Select the events that exist at as_of and that some rule may match, with their age and what rules read."""
    type_code = place_in(_types_read(model), column("type", "events"))
    is_bot = holds(source_column("events", "is_bot", columns))
    is_account = model.spec.model.subject == "account"
    person_id = source_column("events", "person_id", columns)
    subject_id = source_column("events", "account_id", columns) if is_account else person_id
    age_s = column("as_of_s", "clock") - epoch_s(column("occurred_at", "events"))
    account_fields = _account_fields(model)
    selected = [named(event_column(name, columns), name) for name in sorted(_columns_read(model))]
    selected += [named(column(feature_name(field), "members"), feature_name(field)) for field in account_fields]
    query = (
        exp.select(
            named(subject_id, "subject_id"),
            named(type_code, _TYPE_CODE),
            named(column("as_of_s", "clock"), "as_of_s"),
            named(age_s, "age_s"),
            *selected,
        )
        .from_(table("events"), copy=False)
        .join(table("clock"), join_type="cross", copy=False)
        .where(
            type_code.copy() > integer(0),
            exp.not_(is_bot),
            age_s.copy() >= integer(0),
            exp.not_(subject_id.is_(exp.null())),
            copy=False,
        )
    )
    nobody = exp.or_(person_id.is_(exp.null()), trimmed(person_id.copy()).eq(raw_text("")))
    query = query.where(nobody) if is_account else query
    of_subject = column("subject_id", "members").eq(subject_id.copy())
    query = query.join("members", on=of_subject) if account_fields else query
    return _since_reset(query, subject_id, age_s) if has_ledger(columns) else query


def _since_reset(query: exp.Select, subject_id: Scalar, age_s: Scalar) -> exp.Select:
    """Leave out what a set_to in the ledger wiped out."""
    reset = column(RESET_S, ADJUSTED)
    query = query.join(ADJUSTED, on=column("subject_id", ADJUSTED).eq(subject_id.copy()), join_type="left")
    return query.where(exp.or_(reset.is_(exp.null()), age_s.copy() <= reset.copy()))


def event_column(name: str, columns: Columns) -> Scalar:
    """Give a column of events, or a typed null where the data lack it."""
    if name in columns.get("events", {}):
        return column(name, "events")
    return exp.cast(exp.null(), "map<text, text>") if name == "props" else null(SQL_TYPES[EVENTS.columns[name]])


def _fields_read(model: Model) -> set[str]:
    found = {leaf.field for condition in event_conditions(model.spec) for leaf in leaves(condition) if leaf.field}
    return found | {rule.distinct for rule in model.spec.engagement if rule.distinct is not None}


def _columns_read(model: Model) -> set[str]:
    return {field.split(".")[0] for field in _fields_read(model) if not field.startswith("account.")}


def _types_read(model: Model) -> list[str]:
    return sorted({event for rule in event_rules(model.spec) for event in rule.event or ()})


def _account_fields(model: Model) -> list[str]:
    return sorted(field for field in _fields_read(model) if field.startswith("account."))


def matches(model: Model, scope: EventScope) -> exp.Select:
    """Select, of each fact, its age under every rule that it matches, windows aside."""
    selected: dict[str, Scalar] = {"subject_id": column("subject_id")}
    codes = {name: code for code, name in enumerate(_types_read(model), start=1)}
    names = match_columns(model)
    for rule in _tallied_rules(model):
        if names[rule.id] not in selected:
            of_type = [integer(codes[name]) for name in rule.event or ()]
            selected[names[rule.id]] = case([(_matches(rule, of_type, scope), column("age_s"))])
        if isinstance(rule, EngagementRule) and rule.distinct is not None:
            selected[_key_column(rule)] = _distinct_key(rule.distinct)
    return exp.select(*(named(value, name) for name, value in selected.items())).from_(table("facts"), copy=False)


def _tallied_rules(model: Model) -> list[EventRule]:
    return [rule for rule in event_rules(model.spec) if rule.event is not None]


def match_columns(model: Model) -> dict[str, str]:
    """Name the column of the age of each rule's matching events; rules that match the same events share one."""
    first: dict[tuple[frozenset[str], Condition | None], str] = {}
    return {
        rule.id: first.setdefault((frozenset(rule.event or ()), rule.where), f"match.{rule.id}")
        for rule in _tallied_rules(model)
    }


def tally_column(rule_id: str, what: str) -> str:
    """Name a tally of a rule: `events`, `newest_s`, `oldest_s` or `share`."""
    return f"rule.{rule_id}.{what}"


def _key_column(rule: EngagementRule) -> str:
    return f"key.{rule.id}"


def _distinct_key(field: str) -> Scalar:
    kind: ColumnType = "text" if field.startswith("props.") else EVENTS.columns[field]
    if kind == "text":
        is_blank = trimmed(raw_value(field)).eq(raw_text(""))
        return case([(exp.not_(is_blank), raw_value(field))])
    return known_number(raw_value(field)) if kind == "number" else raw_value(field)


def _matches(rule: EventRule, codes: Sequence[Scalar], scope: EventScope) -> Scalar:
    code = column(_TYPE_CODE)
    of_type = code.eq(codes[0]) if len(codes) == 1 else code.isin(*codes)
    return of_type if rule.where is None else every([of_type, branch(rule.where, scope, scope.lists)])


def _in_window(rule: EventRule, matched: str) -> Scalar:
    age = column(matched)
    return age if rule.within is None else case([(age < integer(rule.within), age.copy())])


def tallies(model: Model) -> exp.Select:
    """Select one row per subject with every rule's tallies, in a single pass over the facts."""
    selected = [named(column("subject_id"), "subject_id")]
    names = match_columns(model)
    for rule in _tallied_rules(model):
        if not _is_distinct(rule):
            selected += _tallies_of(rule, _in_window(rule, names[rule.id]), model.spec.decay.default)
        if rule in activity_rules(model) and _active_column(rule) not in {alias.alias for alias in selected}:
            selected.append(named(exp.Min(this=column(names[rule.id])), _active_column(rule)))
    return exp.select(*selected).from_(table("matches"), copy=False).group_by(column("subject_id"), copy=False)


def _active_column(rule: EventRule) -> str:
    """Name the age of the newest event that matches, windows aside: for most rules, simply the newest."""
    bounded = rule.within is not None or _is_distinct(rule)
    return tally_column(rule.id, "active_s" if bounded else "newest_s")


def idle_s(model: Model) -> Scalar:
    """Give the age of the newest counted activity; null if there never was any.

    An account is as idle as the least idle of its people and itself.
    """
    newest = [active_age(model, rule, column(_active_column(rule))) for rule in activity_rules(model)]
    newest += [column(PEOPLE_IDLE_S)] if model.spec.rollup else []
    if not newest:
        return null("bigint")
    never = integer(_NEVER_S)
    known = [exp.func("COALESCE", age, never.copy()) for age in newest]
    return exp.Nullif(this=known[0] if len(known) == 1 else exp.func("LEAST", *known), expression=never)


def distinct_rules(model: Model) -> Sequence[EngagementRule]:
    """Give the rules that count equal events once; each needs a pass of its own."""
    return [rule for rule in model.spec.engagement if _is_distinct(rule)]


def _is_distinct(rule: EventRule) -> bool:
    return isinstance(rule, EngagementRule) and rule.distinct is not None


def distinct_tallies(model: Model, rule: EngagementRule) -> exp.Select:
    """Select one row per subject with the tallies of a rule that counts equal events once, the newest of each."""
    key = column(_key_column(rule))
    subject = column("subject_id")
    age = _in_window(rule, match_columns(model)[rule.id])
    matched = exp.not_(age.is_(exp.null()))
    newest = exp.select(subject, named(exp.Min(this=age.copy()), "age_s")).from_(table("matches"))
    newest = newest.where(matched, exp.not_(key.is_(exp.null()))).group_by(subject.copy(), key.copy())
    nameless = exp.select(subject.copy(), named(age.copy(), "age_s")).from_(table("matches"))
    nameless = nameless.where(matched.copy(), key.is_(exp.null()))
    once = exp.union(newest, nameless, distinct=False).subquery("once")
    counted = _tallies_of(rule, column("age_s"), model.spec.decay.default)
    return exp.select(subject.copy(), *counted).from_(once).group_by(subject.copy())


def _tallies_of(rule: EventRule, age: Scalar, default: DecayRule) -> list[exp.Alias]:
    found = [
        named(exp.Count(this=age.copy()), tally_column(rule.id, "events")),
        named(exp.Min(this=age.copy()), tally_column(rule.id, "newest_s")),
        named(exp.Max(this=age.copy()), tally_column(rule.id, "oldest_s")),
    ]
    if isinstance(rule, EngagementRule) and rule.award == "each" and rule.no_event_for is None:
        decay = rule.decay or default
        if decay.fades:
            found.append(named(exp.Sum(this=share_left(decay, age.copy())), tally_column(rule.id, "share")))
    return found
