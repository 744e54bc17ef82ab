"""One version of a trained model takes another's place: the word for it first, then the file, then the note.

A process that is killed in between leaves the old file, or the new one with the word for it; the next run that scores
by that file notes the rest (`in_use.note_in_use`).
"""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.crash import crash_point
from connector.errors import ConfigError
from connector.store import acceptance, runs, versions
from connector.store.acceptance import Acceptance
from connector.store.state import transaction
from connector.trained.replacing import replace_file
from scoring.model import Model, table_path


@dataclass(frozen=True)
class Word:
    """Say who meant a switch: by is one of `versions`, note tells it in words.

    moves_share is the share of people who move band by it, as it was shown (0..1); null where what the next plan would
    change was not shown, so that its guard has to ask.
    """

    by: str
    note: str
    moves_share: float | None


def switch(state: sqlite3.Connection, before: Model | None, after: Model, word: Word) -> None:
    """Put the trained model that `after` holds in the file that it names; needs the store's writer lock.

    What is in the file now (`before`) is kept, so that it can come back. Raises ConfigError for a model that names no
    file, StoreError where the file cannot be replaced: the word for exactly this version then stands all the same, so
    that somebody else may put the file there.
    """
    path, table = table_path(after), after.table
    if path is None or table is None:
        raise ConfigError(f'{after.file}: names no trained model: add model = "models/{after.id}.json" to [combine]')
    with transaction(state):
        if before is not None:
            note_version(state, before, by=versions.BY_FILE)
        versions.keep(state, after.id, table, made_at=datetime.now(UTC), by=word.by, waits=False)
        if word.moves_share is not None:
            acceptance.accept(state, after.id, Acceptance(after.hash, word.moves_share, word.by, word.note))
    crash_point("switch: accepted")
    advice = (
        "make it writable, or put the version there by other means, which is as good: leadlight model export "
        f"{table.version} --model {after.id} -o FILE"
    )
    replace_file(path, table.as_json(), advice)
    crash_point("switch: file replaced")
    versions.put_in_use(state, after.id, table.version, by=word.by, note=word.note)


def is_applied(state: sqlite3.Connection, model: Model) -> bool:
    """Tell whether the last plan was made by exactly this model, or none was: then nothing else changes with it."""
    applied = runs.accepted_model(state, model.id)
    return applied in (None, model.hash) or acceptance.accepted(state, model.id, model.hash) is not None


def note_version(state: sqlite3.Connection, model: Model, *, by: str, note: str = "") -> bool:
    """Keep the trained model of a file as the one in use; tells whether that is news. Nothing for rules alone."""
    if model.table is None:
        return False
    with transaction(state):
        versions.keep(state, model.id, model.table, made_at=datetime.now(UTC), by=by, waits=False)
        return versions.put_in_use(state, model.id, model.table.version, by=by, note=note)
