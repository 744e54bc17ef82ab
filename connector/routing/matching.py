"""Which rules fit whom: the conditions of rules and pools as SQL over the store's facts, in the words of models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
from sqlglot import exp

from connector.engine.relations import quoted, relation
from connector.matching.linked import linked_people
from connector.models import Line
from connector.routing.fits import FITS, places_name
from connector.routing.pools import Pool, Route
from connector.store.lake import Lake
from mappings.lists import load_lists
from scoring.columns import SEGMENT
from scoring.conditions import Condition, leaves
from scoring.dialects import rendered
from scoring.expressions import MACROS, Scalar, column, named, raw_text
from scoring.predicates import predicate
from scoring.segments import segment_column
from scoring.statement import clock
from scoring.subjects import Columns, Features, field_types, subjects

_TABLES: Final = ("people", "accounts")


@dataclass(frozen=True)
class Facts:
    """Bind a session to the people and accounts of a store, at one instant."""

    engine: duckdb.DuckDBPyConnection
    columns: Columns
    lists: Mapping[str, frozenset[str]]

    def select(self, wanted: Mapping[str, Scalar], types: Features, source: exp.Select | None = None) -> str:
        """Write a SELECT of subject_id and expressions over everybody's features."""
        everybody = source or subjects(types.types, self.columns)
        chosen = [column("subject_id"), *(named(value, name) for name, value in wanted.items())]
        return rendered(exp.select(*chosen).from_("subjects").with_("subjects", as_=everybody), "duckdb")

    def features(self, conditions: Sequence[Condition]) -> Features:
        """Give the columns that conditions read; a field that the data lack is unknown."""
        fields = frozenset(leaf.field or "" for condition in conditions for leaf in leaves(condition))
        types, _ = field_types(fields, self.columns)
        return Features(types | {name: "text" for name in fields if name not in types})


def open_facts(engine: duckdb.DuckDBPyConnection, lake: Lake, as_of: datetime, folder: Path | None = None) -> Facts:
    """Give a session the views `people`, `accounts` and `clock`, and what conditions call; folder has further lists."""
    columns = {}
    for name in _TABLES:
        found = relation(engine, name, linked_people(lake) if name == "people" else lake.relation(name))
        engine.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {found.view()}")
        columns[name] = dict(found.types)
    engine.execute("DROP TABLE IF EXISTS clock")
    engine.execute(clock(as_of))
    for macro in MACROS:
        engine.execute(macro)
    return Facts(engine, columns, load_lists(folder))


def make_fits(facts: Facts, routes: Sequence[Route], lines: Sequence[Line]) -> None:
    """Make the table of who fits which rules: subject_id, account_owner, and a list of places for each model's id.

    Bands are left to the caller: a person's band may be another in every model.
    """
    made = {places_name(line): _fits(facts, routes, line) for line in lines}
    owner = "a.owner_id" if "owner_id" in facts.columns["accounts"] else "NULL"
    linked = "account_id" in facts.columns["people"]
    join = "LEFT JOIN accounts a ON a.account_id = p.account_id" if linked else "LEFT JOIN accounts a ON false"
    joined = "".join(
        f" LEFT JOIN ({query}) {quoted(f'l{n}')} ON {quoted(f'l{n}')}.subject_id = p.person_id"
        for n, query in enumerate(made.values())
    )
    places = "".join(f", {quoted(f'l{n}')}.places AS {quoted(name)}" for n, name in enumerate(made))
    facts.engine.execute(
        f"""CREATE OR REPLACE TEMP TABLE {FITS} AS
            SELECT p.person_id AS subject_id, {owner} AS account_owner{places} FROM people p {join}{joined}"""  # noqa: S608 - names of our own making
    )


def open_counts(facts: Facts, pool: Pool, owners: str) -> dict[str, int]:
    """Count the open records of everybody: not converted, and as the pool's `open_when` says.

    `owners` is a relation (record_id, owner_id) of the people as the CRM has them now.
    """
    conditions = [pool.open_when] if pool.open_when is not None else []
    features = facts.features(conditions)
    test = [predicate(condition, features, facts.lists) for condition in conditions]
    open_ids = facts.select({"counts": test[0] if test else exp.true()}, features)
    unconverted = "p.converted_at IS NULL" if "converted_at" in facts.columns["people"] else "true"
    rows = facts.engine.execute(
        f"""SELECT o.owner_id, count(*) FROM ({open_ids}) s JOIN people p ON p.person_id = s.subject_id
            JOIN {owners} o ON o.record_id = s.subject_id
            WHERE s.counts AND {unconverted} AND o.owner_id IS NOT NULL GROUP BY 1"""  # noqa: S608 - as above
    )
    return dict(rows.fetchall())


def _fits(facts: Facts, routes: Sequence[Route], line: Line) -> str:
    """Write the query of the rules whose segment and conditions hold: subject_id, places."""
    segmented = any(route.segments for route in routes) and bool(line.model.spec.segment)
    conditions = [route.when for route in routes if route.when is not None]
    if segmented:
        conditions += [segment.when for segment in line.model.spec.segment]
    features = facts.features(conditions)
    lists = {**facts.lists, **dict(line.model.lists)}
    segment = {SEGMENT: segment_column(line.model, features, lists)} if segmented else {}
    tests = {f"r{n}": _test(route, features, lists, segmented=segmented) for n, route in enumerate(routes)}
    inner = subjects(features.types, facts.columns)
    with_segment = exp.select(exp.Star(), *(named(value, name) for name, value in segment.items())).from_("features")
    query = (
        exp.select(column("subject_id"), *(named(value, name) for name, value in tests.items()))
        .from_("segmented")
        .with_("features", as_=inner)
        .with_("segmented", as_=with_segment)
    )
    cases = ", ".join(f"CASE WHEN {quoted(name)} THEN {n} END" for n, name in enumerate(tests))
    listed = f"list_filter([{cases}], lambda place: place IS NOT NULL)" if tests else "[]::INTEGER[]"
    return f"SELECT subject_id, {listed} AS places FROM ({rendered(query, 'duckdb')})"  # noqa: S608 - as above


def _test(route: Route, features: Features, lists: Mapping[str, frozenset[str]], *, segmented: bool) -> Scalar:
    """Write whether a rule's own conditions hold; a model without segments is in none."""
    parts: list[Scalar] = [predicate(route.when, features, lists)] if route.when is not None else []
    if route.segments:
        within = column(SEGMENT).isin(*map(raw_text, route.segments))
        parts.append(exp.func("COALESCE", within, exp.false()) if segmented else exp.false())
    return exp.and_(*parts) if parts else exp.true()
