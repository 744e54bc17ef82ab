"""Keeps compiled statements in a folder, so that a look at one record needs neither the compiler nor its time."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import scoring
from connector.errors import ConfigError
from scoring.model import Model, ModelError
from scoring.schema import ColumnType
from scoring.statement import Statement

Columns = Mapping[str, Mapping[str, ColumnType]]
_KEY_DIGITS = 32
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def statement_for(
    model: Model, people: Model | None, *, as_of: datetime, columns: Columns, kept_in: Path | None = None
) -> Statement:
    """Compile a model for DuckDB, or read what was compiled before; raises ConfigError where it does not fit the data.

    A text is found again for the same models, lists, columns and compiler. A folder that cannot be read or written
    costs time alone.
    """
    if kept_in is None:
        return _compiled(model, people, as_of, columns)
    path = kept_in / f"{statement_key(model, people, columns)}.json"
    statement = _read(path)
    if statement is None:
        statement = _compiled(model, people, _NO_TIME, columns)
        _keep(path, statement)
    return statement.at(as_of)


def _compiled(model: Model, people: Model | None, as_of: datetime, columns: Columns) -> Statement:
    from scoring.compile import compile_model  # on use: a statement that was kept needs no compiler

    try:
        return compile_model(model, as_of=as_of, columns=columns, people=people)
    except ModelError as error:
        raise ConfigError(error.problems) from None


def statement_key(model: Model, people: Model | None, columns: Columns) -> str:
    """Name all that a statement depends on, the compiler by the size and time of its files."""
    models = [(one.id, one.hash, sorted((k, sorted(v)) for k, v in one.lists)) for one in (model, people) if one]
    shape = sorted((table, sorted(kinds.items())) for table, kinds in columns.items())
    sources = sorted(file for folder in scoring.__path__ for file in Path(folder).rglob("*.py"))
    compiler = [(file.name, (found := file.stat()).st_size, found.st_mtime_ns) for file in sources]
    return hashlib.sha256(repr((models, shape, compiler)).encode()).hexdigest()[:_KEY_DIGITS]


def _read(path: Path) -> Statement | None:
    try:
        found = json.loads(path.read_bytes())
        words = {name: tuple(values) for name, values in found["words"].items()}
        return Statement(tuple(found["prepare"]), found["scores"], found["contributions"], words, found["terms"])
    except (OSError, ValueError, KeyError):
        return None


def _keep(path: Path, statement: Statement) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(asdict(statement)), encoding="utf-8")
        unfinished.replace(path)
