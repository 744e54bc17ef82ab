"""The versions of trained models that a store keeps: what was trained, which one scores, and which did before.

The file that a model names is what scores. This is its past: any version here can be put back as it was, to the byte.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from connector.store import facts
from connector.store.state import from_text, now_text, store_errors, to_text, transaction
from scoring.predict.artefact import TableModel, read_table

State = Literal["candidate", "in_use", "retired", "superseded"]
BY_TRAINING: Final = "train"
BY_FILE: Final = "file"  # found in use: written by hand, or by a training on plain files
BY_PERSON: Final = "model use"
BY_ITSELF: Final = "auto_publish"
_SELECT = """
SELECT model_id, version, state, made_at, made_by, in_use_at, in_use_by, json_remove(artefact, '$.terms')
FROM model_versions
"""


@dataclass(frozen=True)
class Version:
    """Describe one version of the trained model that a model of rules names.

    candidate: it waits for somebody's word; superseded: a later candidate came before any word; retired: it was in use.
    made_at is when it came into the store, in_use_at when it was put in use last, null for never. told is the file
    without its tables.
    """

    model_id: str
    version: str
    state: State
    made_at: datetime
    made_by: str
    in_use_at: datetime | None
    in_use_by: str | None
    told: Mapping[str, Any]

    @property
    def card(self) -> Mapping[str, Any]:
        """Give its card; empty for a file that has none."""
        found: Mapping[str, Any] = self.told.get("card") or {}
        return found

    @property
    def figures(self) -> Mapping[str, Any]:
        """Give the figures of its holdout; empty where it was never judged."""
        found = self.card.get("holdout")
        return found if isinstance(found, dict) else {}

    @property
    def as_of(self) -> datetime | None:
        """Tell up to when it knows the past; null where its file does not say so in a way that we know."""
        try:
            found = from_text(self.told["as_of"])
        except ValueError:
            return None
        return found if found.tzinfo else None


@dataclass(frozen=True)
class Switch:
    """State that a version was put in use: when, by what, in whose place (null for the first), and by what right."""

    model_id: str
    version: str
    before: str | None
    at: datetime
    by: str
    note: str


def keep(
    connection: sqlite3.Connection,
    model_id: str,
    table: TableModel,
    *,
    made_at: datetime,
    by: str,
    waits: bool = True,
) -> None:
    """Keep a trained model as the candidate, in place of the one of before; without `waits`, beside it.

    One that is or was in use stays so.
    """
    with transaction(connection):
        connection.execute(
            "INSERT OR IGNORE INTO model_versions (model_id, version, state, artefact, made_at, made_by) "
            "VALUES (?, ?, 'superseded', ?, ?, ?)",
            (model_id, table.version, table.as_json(), to_text(made_at), by),
        )
        found = get(connection, model_id, table.version)
        if waits and found is not None and found.state == "superseded":
            connection.execute(
                "UPDATE model_versions SET state = iif(version = ?2, 'candidate', 'superseded') "
                "WHERE model_id = ?1 AND state IN ('candidate', 'superseded')",
                (model_id, table.version),
            )


def put_in_use(connection: sqlite3.Connection, model_id: str, version: str, *, by: str, note: str = "") -> bool:
    """Note that a version scores from now on; the one before is retired. Tells whether that is news.

    The file is changed by `connector.trained.switch`, not here. Raises KeyError for a version that is not kept.
    """
    with transaction(connection):
        before, now = in_use(connection, model_id), now_text()
        if get(connection, model_id, version) is None:
            raise KeyError(version)
        if before is not None and before.version == version:
            return False
        connection.execute(
            "UPDATE model_versions SET state = 'retired' WHERE model_id = ? AND state = 'in_use'", (model_id,)
        )
        connection.execute(
            "UPDATE model_versions SET state = 'in_use', in_use_at = ?, in_use_by = ? "
            "WHERE model_id = ? AND version = ?",
            (now, by, model_id, version),
        )
        connection.execute(
            "INSERT INTO model_switches (model_id, version, before, at, by, note) VALUES (?, ?, ?, ?, ?, ?)",
            (model_id, version, before.version if before else None, now, by, note),
        )
    return True


def note_wait(connection: sqlite3.Connection, model_id: str, version: str, why: Sequence[str]) -> None:
    """Note why a candidate was not put in use by itself."""
    facts.put(connection, f"waits@{model_id}", json.dumps({"version": version, "why": list(why)}))


def waits_because(connection: sqlite3.Connection, model_id: str, version: str) -> tuple[str, ...]:
    """Tell why a candidate was not put in use by itself; empty where nothing asked that of it."""
    held = json.loads(facts.get(connection, f"waits@{model_id}") or "{}")
    return tuple(held["why"]) if held.get("version") == version else ()


def kept(connection: sqlite3.Connection, model_id: str) -> tuple[Version, ...]:
    """List the versions of a model, the newest first."""
    return _select(connection, "WHERE model_id = ? ORDER BY made_at DESC, rowid DESC", (model_id,))


def get(connection: sqlite3.Connection, model_id: str, version: str) -> Version | None:
    """Return one version; null where it is not kept."""
    return next(iter(_select(connection, "WHERE model_id = ? AND version = ?", (model_id, version))), None)


def in_use(connection: sqlite3.Connection, model_id: str) -> Version | None:
    """Return the version that was last found in use; null before the first."""
    return next(iter(_select(connection, "WHERE model_id = ? AND state = 'in_use'", (model_id,))), None)


def candidate(connection: sqlite3.Connection, model_id: str) -> Version | None:
    """Return the version that waits for somebody's word; null where none does."""
    return next(iter(_select(connection, "WHERE model_id = ? AND state = 'candidate'", (model_id,))), None)


def artefact(connection: sqlite3.Connection, model_id: str, version: str) -> TableModel:
    """Read a kept version whole; raises KeyError where it is not kept, TableError where it is damaged."""
    with store_errors():
        found = connection.execute(
            "SELECT artefact FROM model_versions WHERE model_id = ? AND version = ?", (model_id, version)
        ).fetchone()
    if found is None:
        raise KeyError(version)
    return read_table(str(found[0]).encode())


def switches(connection: sqlite3.Connection, model_id: str, *, limit: int = 20) -> tuple[Switch, ...]:
    """List how the version in use changed, the newest first."""
    with store_errors():
        rows = connection.execute(
            "SELECT model_id, version, before, at, by, note FROM model_switches WHERE model_id = ? "
            "ORDER BY n DESC LIMIT ?",
            (model_id, limit),
        ).fetchall()
    return tuple(Switch(of, version, before, from_text(at), by, note) for of, version, before, at, by, note in rows)


def _select(connection: sqlite3.Connection, clause: str, values: Sequence[object]) -> tuple[Version, ...]:
    with store_errors():
        rows = connection.execute(f"{_SELECT} {clause}", values).fetchall()
    return tuple(_version(row) for row in rows)


def _version(row: tuple[Any, ...]) -> Version:
    model_id, version, state, made_at, made_by, in_use_at, in_use_by, told = row
    since = from_text(in_use_at) if in_use_at else None
    return Version(model_id, version, state, from_text(made_at), made_by, since, in_use_by, json.loads(told))
