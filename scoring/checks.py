"""What no single table of a model file can know: names that must match across tables, and types of canonical fields.

Works on the parsed TOML and passes over what has the wrong shape, so that these problems are told beside the others.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from pydantic import ValidationError

from scoring.account_checks import account_problems
from scoring.conditions import Condition, leaves, operand_problems
from scoring.names import nearest
from scoring.schema import ACCOUNTS, BUILT_IN_FIELDS, EVENTS, PEOPLE, ColumnType
from scoring.segment_checks import segment_problems

Row = Mapping[str, Any]
_RULE_TABLES = ("fit", "engagement", "multiply")


def cross_problems(raw: Row, lists: Sequence[str]) -> list[str]:
    """Check names across the tables of one file; `lists` are the names that `in_list` may use."""
    problems = [*_duplicates(raw, _RULE_TABLES), *_duplicates(raw, ("band",)), *_duplicates(raw, ("segment",))]
    problems += [*_duplicates(raw, ("override",)), *_override_problems(raw)]
    problems += [*_group_problems(raw), *segment_problems(raw), *account_problems(raw)]
    for path, condition in _subject_conditions(raw):
        problems += [f"{path}: {text}" for text in operand_problems(condition, canonical_type)]
        problems += [f"{path}: {text}" for text in (*_reserved(condition), *_list_problems(condition, lists))]
    for path, condition in _event_conditions(raw):
        problems += [f"{path}: {text}" for text in operand_problems(condition, event_field_type)]
        problems += [f"{path}: {text}" for text in (*_event_fields(condition), *_list_problems(condition, lists))]
    return [*problems, *_bracket_fields(raw), *_distinct_columns(raw), *_differ_in_case(raw)]


def canonical_type(field: str) -> ColumnType | None:
    """Give the type of a canonical field of a subject; None for a custom one."""
    if field in BUILT_IN_FIELDS:
        return "text"
    if field.startswith("account."):
        name = field.removeprefix("account.")
        return ACCOUNTS.columns.get(name) or PEOPLE.columns.get(name)
    return PEOPLE.columns.get(field)


def event_field_type(field: str) -> ColumnType | None:
    """Give the type of a field of an event; a property is of any type, an unknown name of None."""
    if field.startswith("props."):
        return "map"
    return canonical_type(field) if field.startswith("account.") else EVENTS.columns.get(field)


def _rows(raw: Row, *tables: str) -> Iterator[tuple[str, Row]]:
    for table in tables:
        content = raw.get(table)
        for row in content if isinstance(content, list) else ():
            if isinstance(row, Mapping):
                yield table, row


def _path(table: str, row: Row, *keys: str) -> str:
    return ".".join((table, str(row.get("id", "?")), *keys))


def _duplicates(raw: Row, tables: Sequence[str]) -> Iterator[str]:
    named = [(table, row["id"]) for table, row in _rows(raw, *tables) if isinstance(row.get("id"), str)]
    # Ids name columns, and columns are the same to many engines when they differ in case alone.
    count = Counter(name.lower() for _, name in named)
    for table, name in dict.fromkeys(named):
        if count[name.lower()] > 1:
            yield f"{table}.{name}: the id '{name}' is used {count[name.lower()]} times"


def _group_problems(raw: Row) -> Iterator[str]:
    groups = raw.get("group", {})
    declared = set(groups) if isinstance(groups, Mapping) else set()
    for name, uses in Counter(name.lower() for name in declared).items():
        if uses > 1:
            yield f"group.{name}: is declared {uses} times, in different case"
    named = [(table, row) for table, row in _rows(raw, *_RULE_TABLES) if isinstance(row.get("group"), str)]
    for table, row in named:
        if row["group"] not in declared:
            near = nearest(row["group"], declared) or ", declare it"
            yield f"{_path(table, row, 'group')}: there is no [group.{row['group']}]{near}"
    of_fit, of_engagement = ({row["group"] for table, row in named if table == kind} for kind in _RULE_TABLES[:2])
    for group in sorted(of_fit & of_engagement):
        yield f"group.{group}: has fit rules and engagement rules, a group is one or the other"
    for table, row in named:
        if table == "multiply" and row["group"] in declared - of_engagement:
            yield f"{_path(table, row, 'group')}: [group.{row['group']}] has no engagement rule to multiply"


def _override_problems(raw: Row) -> Iterator[str]:
    """Find bounds outside the scale: no total can keep them."""
    found = _at(raw, "model", "scale")
    scale = found if isinstance(found, Mapping) else {}
    for table, row in _rows(raw, "override"):
        for key in ("at_least", "at_most"):
            bound, low, high = row.get(key), scale.get("min"), scale.get("max")
            if _is_number(bound) and ((_is_number(low) and bound < low) or (_is_number(high) and bound > high)):
                yield f"{_path(table, row, key)}: {bound:g} is outside the scale"


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _subject_conditions(raw: Row) -> Iterator[tuple[str, Condition]]:
    found = [("model.audience", _at(raw, "model", "audience")), ("suppress.when", _at(raw, "suppress", "when"))]
    found += [(_path(table, row, "when"), row.get("when")) for table, row in _rows(raw, "fit", "override")]
    found += [(_path(table, row, "needs.when"), _at(row, "needs", "when")) for table, row in _rows(raw, "band")]
    for table, row in _rows(raw, "segment"):
        found.append((_path(table, row, "when"), row.get("when")))
        found += [
            (_path(table, row, _path(b, band, "needs.when")), _at(band, "needs", "when"))
            for b, band in _rows(row, "band")
        ]
    return _readable(found)


def _event_conditions(raw: Row) -> Iterator[tuple[str, Condition]]:
    return _readable([(_path(table, row, "where"), row.get("where")) for table, row in _rows(raw, *_RULE_TABLES[1:])])


def _at(raw: Row, table: str, key: str) -> object:
    content = raw.get(table)
    return content.get(key) if isinstance(content, Mapping) else None


def _readable(found: Sequence[tuple[str, object]]) -> Iterator[tuple[str, Condition]]:
    for path, content in found:
        if content is not None:
            try:
                yield path, Condition.model_validate(content)
            except ValidationError:
                continue  # its shape is reported with the file's other shapes


def _reserved(condition: Condition) -> Iterator[str]:
    for leaf in leaves(condition):
        if (leaf.field or "").removeprefix("account.") in PEOPLE.reserved:
            yield f"'{leaf.field}' is written by Leadlight itself; a score must not read it"


def _list_problems(condition: Condition, lists: Sequence[str]) -> Iterator[str]:
    for leaf in leaves(condition):
        if leaf.in_list is not None and leaf.in_list not in lists:
            near = nearest(leaf.in_list, lists)
            yield f"there is no list '{leaf.in_list}'{near} (there are {', '.join(sorted(lists))})"


def _event_fields(condition: Condition) -> Iterator[str]:
    for leaf in leaves(condition):
        field = leaf.field or ""
        if not _is_event_column(field) and not (field.startswith("account.") and field != "account."):
            yield f"an event has no field '{field}'{nearest(field, EVENTS.columns)} (its columns, props.KEY, account.X)"


def _is_event_column(field: str) -> bool:
    return (field in EVENTS.columns and field != "props") or (field.startswith("props.") and field != "props.")


def _bracket_fields(raw: Row) -> Iterator[str]:
    for table, row in _rows(raw, "fit"):
        field = row.get("field")
        if isinstance(field, str) and canonical_type(field) not in (None, "number"):
            yield f"{_path(table, row, 'field')}: '{field}' is not a number, brackets need one"


def _differ_in_case(raw: Row) -> Iterator[str]:
    """Find fields that are one column to engines and two to whoever wrote them."""
    named = {leaf.field or "" for _, condition in _subject_conditions(raw) for leaf in leaves(condition)}
    named |= {row["field"] for _, row in _rows(raw, "fit") if isinstance(row.get("field"), str)}
    spelt: dict[str, set[str]] = {}
    for field in (name.removeprefix("account.") for name in named):
        spelt.setdefault(field.lower(), set()).add(field)
    for names in spelt.values():
        if len(names) > 1:
            yield f"fields {' and '.join(map(repr, sorted(names)))} differ in case alone, to a table they are one"


def _distinct_columns(raw: Row) -> Iterator[str]:
    for table, row in _rows(raw, "engagement"):
        field = row.get("distinct")
        if isinstance(field, str) and not _is_event_column(field):
            near = nearest(field, EVENTS.columns)
            yield f"{_path(table, row, 'distinct')}: an event has no column '{field}'{near}"
