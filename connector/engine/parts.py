"""Splits people into parts that are scored one after the other, so that memory does not grow with their number."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from connector.engine.relations import Relation, literal

PEOPLE_PER_PART = 250_000
_SAMPLED = 61  # one id of so many tells where the parts begin
_KEYS: Mapping[str, str] = {"people": "person_id", "events": "person_id", "adjustments": "subject_id"}


@dataclass(frozen=True)
class Part:
    """Hold the people whose ids are in low <= id < high; null is no bound.

    Bounds on the id, and not on a hash of it, let Parquet files that are clustered by person skip what others hold.
    """

    low: str | None = None
    high: str | None = None

    def views(self, relations: Mapping[str, Relation]) -> dict[str, str]:
        """Write the views with what belongs to these people, `people` before the accounts that name them."""
        views = {name: self._view(found) for name, found in relations.items()}
        if "account_id" in relations["people"].expressions:
            named = f"{relations['accounts'].expressions['account_id']} IN (SELECT account_id FROM people)"  # noqa: S608 - our own names
            views["accounts"] = f"{relations['accounts'].view()} WHERE {named}"
        return views

    def bounds(self, expression: str) -> str:
        """Write the condition that an id is in the part; empty where every id is."""
        bounds = ((">=", self.low), ("<", self.high))
        return " AND ".join(f"{expression} {sign} {literal(bound)}" for sign, bound in bounds if bound is not None)

    def _view(self, relation: Relation) -> str:
        expression = relation.expressions.get(_KEYS.get(relation.table.name, ""))
        if expression is None:
            return relation.view()
        kept = self.bounds(expression)
        return f"{relation.view()} WHERE {kept}" if kept else relation.view()


def parts_of(
    connection: duckdb.DuckDBPyConnection, people: Relation, people_per_part: int, count: int | None = None
) -> list[Part]:
    """Split people into parts of about so many; count says how many they are, where that is known."""
    if count is None:
        count = int(_fetch(connection, f"SELECT COUNT(*) FROM {people.source}")[0][0])  # noqa: S608 - our own relation
    wanted = -(-count // people_per_part)
    if wanted < 2:
        return [Part()]
    key = people.expressions["person_id"]
    sampled = f"SELECT {key} AS id FROM {people.source} WHERE HASH({key}) % {_SAMPLED} = 0 ORDER BY id"  # noqa: S608 - as above
    ids = [str(row[0]) for row in _fetch(connection, sampled)]
    edges = [ids[len(ids) * position // wanted] for position in range(1, wanted)]
    return [Part(low, high) for low, high in zip([None, *edges], [*edges, None], strict=True)]


def _fetch(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()
