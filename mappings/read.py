"""CRM rows to canonical tables, vectorised; reads nothing but the rows it is given.

Columns and types are those of scoring.schema; what a mapping leaves out is absent, what a row lacks is null.
"""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from mappings.columns import ARROW_TYPES, blank_to_null, cast, field_of
from mappings.conditions import matches
from mappings.links import link
from mappings.model import EventEntry, Mapping, OutcomeEntry, ReadTable, Source
from mappings.sources import first_set
from mappings.wanted import REPLACES, record_key
from scoring.schema import EVENTS, OUTCOMES, TABLES

_KEY: Final = "\0record_key"  # no CRM field can be called so
_EVENT_FRAME: Final = frozenset({"event_id", "type", "occurred_at", "person_id", "account_id"})


def to_canonical(mapping: Mapping, object: str, rows: pa.Table) -> dict[str, pa.Table]:  # noqa: A002 - as above
    """Turn rows of one CRM object into its canonical table, by name (`table` of its mapping).

    People may have outcomes beside them, where the mapping gives entries for these.

    rows: as a CRM page carries them; a missing column is unknown. Rows without key, and events and outcomes without a
    time or without both person and account, are left out. An event of several people gives one row each. outcomes
    carry an `outcome_id`. Events carry `replaces` where the mapping says what they stand for. Raises ValueError where
    the key column is missing.
    """
    table = mapping.read[object]
    if table.key not in rows.column_names:
        raise ValueError(f"{object}: the rows have no key column {table.key!r}")
    rows = _keep(rows, pc.and_(pc.is_valid(blank_to_null(field_of(rows, table.key))), matches(table.where, rows)))
    if table.table in ("people", "accounts"):
        subjects = {table.table: _subjects(table, rows)}
        return subjects | ({"outcomes": _verdicts(mapping, object, table, rows)} if table.outcome else {})
    keys = cast(field_of(rows, table.key), "text")
    prefix = record_key(mapping, object, "")
    keys = pc.binary_join_element_wise(pa.scalar(prefix), keys, "") if prefix else keys
    rows = rows.append_column(_KEY, keys)
    if table.table in ("credits", "history", "rates"):
        return {table.table: _notes(table, rows)}
    return {table.table: _events(table, rows) if table.table == "events" else _outcomes(table, rows)}


def _keep(rows: pa.Table, mask: pa.Array) -> pa.Table:
    """Filter, but copy nothing where every row stays."""
    return rows if pc.all(mask, min_count=0).as_py() else rows.filter(mask)


def _subjects(table: ReadTable, rows: pa.Table) -> pa.Table:
    known = TABLES[table.table].columns
    id_name = "person_id" if table.table == "people" else "account_id"
    columns = {id_name: cast(field_of(rows, table.key), "text")}
    if table.kind is not None:
        columns["kind"] = pa.repeat(pa.scalar(table.kind), rows.num_rows)
    if table.account:
        columns["account_id"] = first_set(table.account, rows, "text")
    for name, source in table.columns().items():
        columns[name] = first_set((source,), rows, known.get(name))
    return pa.table(columns)


def _notes(table: ReadTable, rows: pa.Table) -> pa.Table:
    """Give rows that stand beside the facts: credits, history and rates; those without a subject are left out."""
    known = TABLES[table.table]
    subject = {"credits": "person_id", "history": "subject_id", "rates": "currency"}[table.table]
    columns = {known.key[0]: field_of(rows, _KEY)}
    if table.person:
        columns[subject] = first_set(table.person, rows, "text")
    for name, source in table.columns().items():
        columns[name] = first_set((source,), rows, known.columns.get(name))
    made = pa.table(columns)
    return _keep(made, pc.is_valid(made[subject]))


def _events(table: ReadTable, rows: pa.Table) -> pa.Table:
    beside = [entry for entry in table.event if entry.beside]
    chosen = tuple(entry for entry in table.event if not entry.beside)
    found = [*_first_match(chosen, rows), *((entry, _keep(rows, matches(entry.when, rows))) for entry in beside)]
    given = {name for entry in table.event for name in entry.columns()} | _EVENT_FRAME
    types = {name: ARROW_TYPES[kind] for name, kind in EVENTS.columns.items() if name in given}
    types |= {REPLACES: pa.string()} if table.replaces else {}
    return _stack([_event_rows(table, entry, part) for entry, part in found], types)


def _first_match(entries: tuple[EventEntry, ...], rows: pa.Table) -> Iterator[tuple[EventEntry, pa.Table]]:
    """Give each entry the rows that match it and none before it."""
    free = matches(None, rows)
    for entry in entries:
        hit = pc.and_(free, matches(entry.when, rows))
        free = pc.and_not(free, hit)
        yield entry, _keep(rows, hit)


def _event_rows(table: ReadTable, entry: EventEntry, rows: pa.Table) -> pa.Table:
    columns = {name: first_set((source,), rows, EVENTS.columns[name]) for name, source in entry.columns().items()}
    columns["event_id"] = field_of(rows, _KEY)
    if entry.beside:
        columns["event_id"] = pc.binary_join_element_wise(columns["event_id"], columns["type"], ":")
    elif table.replaces:
        columns[REPLACES] = first_set(table.replaces, rows, "text")
    columns["occurred_at"] = first_set((*entry.occurred_at, *table.occurred_at), rows, "datetime")
    whole = pc.and_(pc.is_valid(columns["occurred_at"]), pc.is_valid(columns["type"]))
    if table.only_types is not None:
        whole = pc.and_(whole, pc.is_in(columns["type"], pa.array(table.only_types, pa.string())))
    return link(_keep(pa.table(columns), whole), _keep(rows, whole), table.person, table.account, "event_id")


def _outcomes(table: ReadTable, rows: pa.Table) -> pa.Table:
    parts = [_outcome_rows(table, entry, _keep(rows, matches(entry.when, rows))) for entry in table.outcome]
    given = {name for entry in table.outcome for name in entry.columns()}
    given |= {"kind", "occurred_at", "person_id", "account_id"}
    types = {name: ARROW_TYPES[kind] for name, kind in OUTCOMES.columns.items() if name in given}
    return _stack(parts, {"outcome_id": pa.string(), **types})


def _verdicts(mapping: Mapping, object: str, table: ReadTable, rows: pa.Table) -> pa.Table:  # noqa: A002 - as above
    """Give what the rows of people tell of these people themselves."""
    keys = cast(field_of(rows, table.key), "text")
    prefix = record_key(mapping, object, "")
    named = pc.binary_join_element_wise(pa.scalar(prefix), keys, "") if prefix else keys
    person = (Source.model_validate({"from": [table.key]}),)
    return _outcomes(table.model_copy(update={"person": person}), rows.append_column(_KEY, named))


def _outcome_rows(table: ReadTable, entry: OutcomeEntry, rows: pa.Table) -> pa.Table:
    columns = {name: first_set((source,), rows, OUTCOMES.columns[name]) for name, source in entry.columns().items()}
    columns["kind"] = pa.repeat(pa.scalar(entry.kind), rows.num_rows)
    columns["outcome_id"] = pc.binary_join_element_wise(field_of(rows, _KEY), columns["kind"], ":")
    columns["occurred_at"] = first_set(entry.occurred_at, rows, "datetime")
    dated = pc.is_valid(columns["occurred_at"])
    return link(_keep(pa.table(columns), dated), _keep(rows, dated), table.person, table.account, "outcome_id")


def _stack(parts: list[pa.Table], types: dict[str, pa.DataType]) -> pa.Table:
    """Lay the entries' rows one under another; a column that an entry does not give is null there."""
    schema = pa.schema(types.items())
    full = [
        pa.table([part[n] if n in part.column_names else pa.nulls(part.num_rows, t) for n, t in types.items()], schema)
        for part in parts
    ]
    return pa.concat_tables(full) if full else schema.empty_table()
