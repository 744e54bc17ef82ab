"""Looking at a store without its CRM: what explain, status and queue need."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from connector.bots.see import flag_counts
from connector.engine.duckdb import new_session, open_engine
from connector.enrichment.coverage import alarms, last_measured
from connector.errors import ConfigError
from connector.feedback import verdict_counts
from connector.feeds.look import feed_rows
from connector.loading import load_parts
from connector.models import Line, Models
from connector.newest import newest_contributions
from connector.routing.shares import rule_hits, share_warnings, watched_shares
from connector.settings.file import Settings
from connector.sla.figures import sla_figures
from connector.store import coverage, outbox, runs
from connector.store.lake import Lake
from connector.store.state import open_state
from connector.tables import ACCOUNT_SCORES, SCORES, tables_of
from connector.trained.standing import Standing, standings
from connector.training import drift_told, due
from mappings.model import Mapping as CrmMapping
from scoring.model import AS_NAMED
from scoring.names import nearest
from scoring.predict.artefact import TableModel

STATES: tuple[outbox.State, ...] = ("planned", "inflight", "retry", "quarantined")


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

    def status(self) -> dict[str, Any]:
        """Count what the store holds and list the newest runs."""
        waiting = Counter(row.state for row in outbox.rows(self.state, STATES))
        newest = runs.list_runs(self.state, limit=5)
        hits = rule_hits(self.state, newest[0].as_of) if newest else {}
        return {
            "tables": {name: self._count(name) for name in self._tables()},
            "outbox": dict(waiting),
            "baseline": runs.baseline_made(self.state),
            "routing": {
                "rules": dict(hits),
                "warnings": list(share_warnings(hits, watched_shares(self.settings.route))),
            },
            "switched_off": next((run.counts["switched_off"] for run in newest if "switched_off" in run.counts), []),
            "runs": [run_row(run) for run in newest],
            "feedback": self._feedback(),
            "feeds": self._feeds(),
            "bots": self._bots(),
            "vendors": {
                "coverage": [asdict(one) for one in last_measured(self.state)],
                "alarms": list(alarms(self.state, self.settings)),
            },
            "sla": [figures.as_dict() for figures in sla_figures(self.state)],
            "drift": drift_told.kept(self.state),
            "training": [looked.as_dict() for looked in due.kept(self.state)],
            "trained": [standing.as_dict() for standing in self.standings()],
        }

    def standings(self) -> list[Standing]:
        """Say which trained models score, and which wait; ages are as of the newest run."""
        newest = runs.list_runs(self.state, limit=1)
        return standings(self.state, self.models, newest[0].as_of if newest else datetime.now(UTC))

    def _feedback(self) -> list[dict[str, Any]]:
        with self.engine() as engine:
            return verdict_counts(engine, self.lake, self.models)

    def _bots(self) -> list[dict[str, object]]:
        with self.engine() as engine:
            return flag_counts(engine, self.lake)

    def _feeds(self) -> list[dict[str, Any]]:
        if not self.settings.feed:
            return []
        with self.engine() as engine:
            return feed_rows(engine, self.state, self.lake, self.settings.feed)

    def _tables(self) -> list[str]:
        """Name the tables that a status counts: the facts, and the scores of every model."""
        known = ["people", "accounts", "events", SCORES, ACCOUNT_SCORES]
        return list(dict.fromkeys([*known, *(tables_of(line)[0] for line in self.models.lines)]))

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

    def _count(self, table: str) -> int:
        relation = self.lake.relation(table)
        if relation is None:
            return 0
        with self.engine() as engine:
            row = engine.execute(f"SELECT count(*) FROM {relation}").fetchone()  # noqa: S608 - a file list of our own making
        return int(row[0]) if row else 0


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


def run_row(run: runs.Run) -> dict[str, Any]:
    """Give a run as the command line's JSON has it."""
    return {
        "run_id": run.run_id,
        "command": run.command,
        "status": run.status,
        "as_of": _utc(run.as_of),
        "started_at": _utc(run.started_at),
        "finished_at": _utc(run.finished_at) if run.finished_at else None,
        "counts": dict(run.counts),
    }


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
