"""What fields held as of a snapshot, where anybody noted it: as columns of the snapshots, for the features to read.

Two kinds of notes: `attributes` tell a value and when it was observed, `history` tells what a field held before a
change. A field of neither is read as it is now, and is said to have no history. Our own notes of changes begin one day:
a field that they alone tell of is read with their help, and has a history once every snapshot is later than that day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from connector.engine.relations import literal, quoted
from connector.training.believed import NOTHING, believe
from connector.training.facts import Facts
from scoring.predict.features import DAY_S
from scoring.schema import ColumnType
from scoring.subjects import feature_name

NOTED: Final = "noted"
OF_LEAD: Final = "lead."
NOBODY: Final = "NULL::VARCHAR"
_OF_PERSON: Final = "people."
_OF_ACCOUNT: Final = "account."
_MOST_DIFFERENT: Final = 600
_FORMS: Final[Mapping[ColumnType, str]] = {
    "text": "normalised({})",
    "number": "TRY_CAST({} AS DOUBLE)",
    "boolean": "TRY_CAST({} AS BOOLEAN)",
    "datetime": "floor(epoch(TRY_CAST({} AS TIMESTAMPTZ)))::BIGINT",
}


@dataclass(frozen=True)
class Noted:
    """The fields whose columns the snapshots have now, and those of them that are known to be as they were.

    changed_after is the share of converted subjects in whom a field changed after they converted, over those with any
    note of it; a field of which no converted subject has one is absent.
    """

    fields: frozenset[str]
    known: frozenset[str]
    changed_after: Mapping[str, float]


def note_values(engine: duckdb.DuckDBPyConnection, facts: Facts) -> Noted:
    """Widen the table `snapshots` by a column f.FIELD for every field with notes, as it was known before as_of_s."""
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE {NOTED} AS {_notes(facts)}")
    types = _types(facts)
    rows = engine.execute(f"SELECT DISTINCT name FROM {NOTED} ORDER BY name LIMIT {_MOST_DIFFERENT}").fetchall()  # noqa: S608 - our own names
    said = [str(name) for (name,) in rows]
    told: dict[str, str] = {}
    for name in said:
        for place in (facts.past.names.get(name, name), f"account.{name}"):
            if types.get(place) in _FORMS and place not in told and _own(name) is None:
                told[place] = name
    own = {place: name for name in said if types.get(place := _own(name) or "") in _FORMS and place not in told}
    of_leads = {place: name for name in said if types.get(place := _of_lead(name) or "") in _FORMS}
    believed = {one.field: one for one in facts.past.believed if types.get(one.field) in _FORMS}
    places = sorted({*told, *own, *of_leads, *believed})
    for place in places:
        sources = [one[place] for one in (told, own, of_leads) if place in one]
        one = believed.get(place)
        if one is None:
            _widen(engine, place, sources, types[place])
        else:
            _widen(engine, place, sources if one.own else (), types[place], one.own or NOTHING)
            believe(engine, one, _FORMS[types[place]], subjects_of(engine, place))
    by_vendors_alone = {place for place, one in believed.items() if one.own is None}
    known = {*told, *_noted_long_enough(engine, facts, types), *by_vendors_alone}
    return Noted(frozenset(places), frozenset(known), _changed_after(engine, told | own))


def _own(name: str) -> str | None:
    """Give the field that a note of our own is about; null for another note."""
    if name.startswith(_OF_PERSON):
        return name.removeprefix(_OF_PERSON)
    return name if name.startswith(_OF_ACCOUNT) else None


def _of_lead(name: str) -> str | None:
    return name.removeprefix(OF_LEAD) if name.startswith(OF_LEAD) else None


def _noted_long_enough(
    engine: duckdb.DuckDBPyConnection, facts: Facts, types: Mapping[str, ColumnType]
) -> frozenset[str]:
    """Name the fields whose every change since before the first snapshot was noted."""
    first_s = engine.execute("SELECT min(as_of_s) FROM snapshots").fetchall()[0][0]
    since = {_own(name) or name: at for name, at in facts.past.noted_since.items()}
    return frozenset(
        place for place, at in since.items() if place in types and first_s is not None and at.timestamp() <= first_s
    )


def _types(facts: Facts) -> dict[str, ColumnType]:
    accounts = {f"account.{name}": kind for name, kind in facts.columns["accounts"].items()}
    return {**facts.columns["people"], **accounts}


def _notes(facts: Facts) -> str:
    """Select (subject_id, name, at_s, value, before): a value from at_s on, or what was there before at_s."""
    nothing = "NULL::VARCHAR AS subject_id, NULL::VARCHAR AS name, NULL::BIGINT AS at_s, NULL::VARCHAR AS value"
    parts = [f"SELECT {nothing}, NULL::VARCHAR AS before, false AS is_change WHERE false"]
    if "attributes" in facts.there and "value" in facts.columns["attributes"]:
        parts.append("SELECT subject_id, name, floor(epoch(observed_at))::BIGINT, value, NULL, false FROM attributes")
    if "history" in facts.there and {"field", "old", "new", "changed_at", "subject_id"} <= set(
        facts.columns["history"]
    ):
        parts.append('SELECT subject_id, field, floor(epoch(changed_at))::BIGINT, "new", "old", true FROM history')
    return " UNION ALL ".join(parts)


def _widen(
    engine: duckdb.DuckDBPyConnection, field: str, names: Sequence[str], kind: ColumnType, own: str | None = None
) -> None:
    """Add one field: the newest note before the snapshot, else what the first change after it says was there before,
    else for changes the present value; an observation that came later tells nothing of before.

    own is the relation (id, value) of the present values where people and accounts hold others.
    """
    of_account = field.startswith(_OF_ACCOUNT)
    key, joined = subjects_of(engine, field)
    present = f"CAST({'a' if of_account else 'p'}.{quoted(field.removeprefix(_OF_ACCOUNT))} AS VARCHAR)"
    if own is not None:
        joined, present = f"{joined} LEFT JOIN {own} AS o ON o.id = {key}", "o.value"
    elif key == NOBODY:
        present = "NULL"
    form, said = _FORMS[kind], ", ".join(map(literal, names)) or "NULL"
    # The newest of a struct, and not arg_max: that passes over nulls, and an emptied field would be as it was before.
    engine.execute(
        f"""CREATE OR REPLACE TEMPORARY TABLE snapshots AS
        WITH theirs AS (
            SELECT s.subject_id, s.as_of_s, {key} AS key, {form.format(present)} AS present
            FROM snapshots AS s {joined}),
        known AS (
            SELECT t.subject_id, t.as_of_s,
                max({{'at': n.at_s, 'value': n.value}}) FILTER (n.at_s < t.as_of_s) AS last,
                min({{'at': n.at_s, 'value': n.before}}) FILTER (n.at_s >= t.as_of_s AND n.is_change) AS next,
                bool_or(NOT n.is_change) AS observed
            FROM theirs AS t JOIN {NOTED} AS n ON n.subject_id = t.key AND n.name IN ({said})
            GROUP BY ALL)
        SELECT s.*, CASE WHEN k.last IS NOT NULL THEN {form.format("k.last.value")}
            WHEN k.next IS NOT NULL THEN {form.format("k.next.value")}
            WHEN k.observed THEN NULL ELSE t.present END AS {quoted(feature_name(field))}
        FROM snapshots AS s JOIN theirs AS t USING (subject_id, as_of_s)
            LEFT JOIN known AS k USING (subject_id, as_of_s)
        ORDER BY as_of_s, subject_id"""  # noqa: S608 - names are quoted
    )


def subjects_of(engine: duckdb.DuckDBPyConnection, field: str) -> tuple[str, str]:
    """Write whose a field is, of a snapshot s, and the joins of people p and accounts a that it takes."""
    people = "LEFT JOIN people AS p ON p.person_id = s.subject_id"
    if not field.startswith(_OF_ACCOUNT):
        return "s.subject_id", people
    if "account_id" not in _columns(engine, "people"):
        return NOBODY, people
    return "a.account_id", f"{people} LEFT JOIN accounts AS a ON a.account_id = p.account_id"


def _columns(engine: duckdb.DuckDBPyConnection, table: str) -> Sequence[str]:
    return engine.sql(f"SELECT * FROM {table} LIMIT 0").columns  # noqa: S608 - our own names


def _changed_after(engine: duckdb.DuckDBPyConnection, found: Mapping[str, str]) -> dict[str, float]:
    """Count, of the converted with any note of a field, those whose last note of it is not before the conversion."""
    shares: dict[str, float] = {}
    for field, name in found.items():
        key = "account_id" if field.startswith("account.") else "person_id"
        if key not in _columns(engine, "people"):
            continue
        after, known = engine.execute(
            f"""WITH won AS (SELECT subject_id, min(at_s) AS at_s FROM conversions GROUP BY subject_id),
            last AS (SELECT w.subject_id, w.at_s, max(n.at_s) AS changed_s FROM won AS w
                JOIN people AS p ON p.person_id = w.subject_id
                JOIN {NOTED} AS n ON n.subject_id = p.{key} AND n.name = {literal(name)} GROUP BY ALL)
            SELECT count(*) FILTER (changed_s >= at_s), count(*) FROM last"""  # noqa: S608 - names are quoted
        ).fetchall()[0]
        if known:
            shares[field] = after / known
    return shares


__all__ = ["DAY_S", "NOTED", "Noted", "note_values"]
