"""The facts that a training reads, as tables of one DuckDB session, and the instant they reach to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb

from connector.engine.relations import relation
from connector.errors import ConfigError
from scoring.expressions import MACROS
from scoring.schema import ColumnType

READ: Final = ("people", "accounts", "events", "outcomes", "attributes", "history")
_TIMES: Final = (("people", "created_at"), ("events", "occurred_at"), ("outcomes", "occurred_at"))


@dataclass(frozen=True)
class Believed:
    """An attribute that vendors tell of: the field it is, what they said, and in which order they are believed.

    observed is the relation (subject_id, vendor, value, observed_at) of it; own is the relation (id, value) of what the
    CRM's own column says, null where that is not asked.
    """

    field: str
    observed: str
    vendors: tuple[str, ...]
    max_age_days: float | None
    own: str | None


@dataclass(frozen=True)
class Past:
    """What a store knows of the past of fields besides the notes.

    names gives the field (people's, or account.X) for a name in the CRM's history where the two differ; noted_since
    tells of fields (people.X, account.X) from when on all of their changes were noted.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    noted_since: Mapping[str, datetime] = field(default_factory=dict)
    believed: tuple[Believed, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What there is: the columns of each table with their types, the tables that hold anything, and until when."""

    columns: Mapping[str, Mapping[str, ColumnType]]
    there: frozenset[str]
    now: datetime
    past: Past = Past()

    @property
    def now_s(self) -> int:
        """Give the instant in seconds since 1970."""
        return int(self.now.timestamp())


def open_facts(
    engine: duckdb.DuckDBPyConnection,
    sources: Mapping[str, str],
    as_of: datetime | None,
    past: Past | None = None,
) -> Facts:
    """Make the tables people, accounts, events, outcomes, attributes and history of these relations.

    Nothing later than as_of is seen; without one, the data reach to the newest time that they name. Raises ConfigError
    where there are no people or no times.
    """
    if "people" not in sources:
        raise ConfigError("there are no people to learn from: give a people file, or sync first")
    for macro in MACROS:
        engine.execute(macro)
    columns: dict[str, Mapping[str, ColumnType]] = {}
    for name in READ:
        found = relation(engine, name, sources.get(name))
        engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE {name} AS {found.view()}")
        columns[name] = found.types
    if "created_at" not in columns["people"]:
        raise ConfigError("people: the column 'created_at' is missing: nobody can say what was known of whom when")
    now = as_of or _newest(engine, columns)
    _until(engine, columns, now)
    return Facts(columns, frozenset(sources), now, past or Past())


def _newest(engine: duckdb.DuckDBPyConnection, columns: Mapping[str, Mapping[str, ColumnType]]) -> datetime:
    parts = " UNION ALL ".join(
        f"SELECT max({time}) AS moment FROM {name}"  # noqa: S608 - our own names
        for name, time in _TIMES
        if time in columns[name]
    )
    newest = engine.execute(f"SELECT epoch(max(moment)) FROM ({parts})").fetchall()[0][0]  # noqa: S608 - as above
    if newest is None:
        raise ConfigError("neither people nor events nor outcomes have a time: nothing can be learned")
    return datetime.fromtimestamp(int(newest), UTC)


def _until(engine: duckdb.DuckDBPyConnection, columns: Mapping[str, Mapping[str, ColumnType]], now: datetime) -> None:
    """Forget what is later than an instant."""
    later = (now + timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S")
    for name, time in (*_TIMES, ("attributes", "observed_at"), ("history", "changed_at")):
        if time in columns[name]:
            engine.execute(f"DELETE FROM {name} WHERE {time} >= TIMESTAMP '{later}'")  # noqa: S608 - our own names
