"""Looking at a store without its CRM: what the commands that read it share."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from connector.engine.duckdb import new_session, open_engine
from connector.errors import ConfigError
from connector.loading import load_parts
from connector.models import Line, Models
from connector.newest import newest_contributions
from connector.settings.file import Settings
from connector.store import coverage, runs
from connector.store.lake import Lake
from connector.store.state import open_state
from connector.tables import SCORES, tables_of
from mappings.model import Mapping as CrmMapping
from scoring.model import AS_NAMED
from scoring.names import nearest
from scoring.predict.artefact import TableModel


@dataclass(frozen=True)
class Reading:
    """Bind what reads a store; it takes no lock and sends nothing."""

    settings: Settings
    models: Models
    mapping: CrmMapping
    folder: Path
    state: sqlite3.Connection
    lake: Lake
    duck: duckdb.DuckDBPyConnection

    def engine(self) -> duckdb.DuckDBPyConnection:
        """Give a fresh session of the one DuckDB; its temporary tables go with it."""
        return new_session(self.duck)

    def scored_at(self) -> datetime:
        """Tell as of when the newest scores are; raises ConfigError where nothing was scored."""
        for file in reversed(self.lake.files(SCORES)):
            run = runs.get(self.state, file.run_id or "")
            if run is not None:
                return run.as_of
        raise ConfigError("nothing was scored yet; run `leadlight sync` first, or pass --as-of")

    def score_at(self, engine: duckdb.DuckDBPyConnection, record: str, line: Line) -> datetime:
        """Tell as of when a record was scored last: who did not change keeps a score; raises ConfigError as above."""
        newest, held = self.scored_at(), coverage.get(self.state)
        scores = self.lake.relation(tables_of(line)[0])
        if scores is None or held is None or len(held.runs) == 1:
            return newest
        found = engine.execute(f"SELECT epoch(as_of) FROM {scores} WHERE subject_id = ?", [record]).fetchall()  # noqa: S608 - a file list of our own making
        return datetime.fromtimestamp(found[0][0], UTC) if found else newest

    def contributions(self, line: Line) -> str | None:
        """Give the relation of everybody's newest contributions; null where nothing was scored.

        A run that scored only what changed has the rows of these alone; all others' are in the runs before it.
        """
        return newest_contributions(self.lake, self.state, line)

    def is_account(self, record: str) -> bool:
        """Tell whether a record is an account; HubSpot counts people and companies apart, so a person goes first."""
        people, accounts = self.lake.relation("people"), self.lake.relation("accounts")
        if accounts is None:
            return False
        with self.engine() as engine:
            known = f"SELECT 1 FROM {people} WHERE person_id = ?" if people else "SELECT 1 WHERE ? IS NULL"  # noqa: S608 - file lists of our own making
            if engine.execute(known, [record]).fetchall():
                return False
            return bool(engine.execute(f"SELECT 1 FROM {accounts} WHERE account_id = ?", [record]).fetchall())  # noqa: S608 - as above

    def line_of(self, record: str, model_id: str | None) -> Line:
        """Find the model to explain a record by: the one asked for, else the primary one of people or of accounts.

        Raises ConfigError for a model that the configuration does not have.
        """
        ids = [line.model.id for line in self.models.lines]
        if model_id is not None and model_id not in ids:
            raise ConfigError(f"--model {model_id}: this configuration has {', '.join(ids)}{nearest(model_id, ids)}")
        if model_id is not None:
            return self.models.lines[ids.index(model_id)]
        accounts = self.models.of("account")
        return accounts[0] if accounts and self.is_account(record) else self.models.lines[0]

    def ids_of(
        self, engine: duckdb.DuckDBPyConnection, record: str, line: Line, sources: Mapping[str, str]
    ) -> dict[str, str | None]:
        """Name a record and, of a person, the account, by the table of each; sources are the facts that models see."""
        if line.role == "account":
            return {"accounts": record}
        people = sources["people"]
        if "account_id" not in engine.sql(f"SELECT * FROM {people}").columns:  # noqa: S608 - a file list of our own making
            return {"people": record}
        found = engine.execute(f"SELECT account_id FROM {people} WHERE person_id = ?", [record]).fetchone()  # noqa: S608 - as above
        return {"people": record, "accounts": found[0] if found else None}

    def other_scores(self, engine: duckdb.DuckDBPyConnection, record: str, line: Line) -> list[dict[str, Any]]:
        """List the other models that scored a record in the last run: id, total and band of each."""
        found = []
        for other in self.models.of(line.role):
            scores = self.lake.relation(tables_of(other)[0])
            if other != line and scores is not None:
                select = f"SELECT model_id, total, band FROM {scores} WHERE subject_id = ?"  # noqa: S608 - a file list of our own making
                rows = engine.execute(select, [record]).fetchall()
                found += [{"id": name, "total": total, "band": band} for name, total, band in rows]
        return found


@contextmanager
def open_reading(config: Path, tables: Mapping[str, TableModel] | None = AS_NAMED) -> Iterator[Reading]:
    """Open a store for reading; raises ConfigError where the configuration is wrong. tables: as `load_parts` has it."""
    settings, models, mapping = load_parts(config, tables)
    folder = Path(settings.store.path)
    with (
        closing(open_state(folder)) as state,
        open_engine(settings.store.memory_limit_mb, folder / "spill") as duck,
    ):
        yield Reading(settings, models, mapping, folder, state, Lake(folder, state, session=duck), duck)
