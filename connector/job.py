"""What one run of the pipeline works with."""

import sqlite3
import threading
from collections.abc import Mapping as AbcMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import duckdb

from connector.crm.base import Connection, Crm, Owner
from connector.engine.duckdb import new_session
from connector.models import Models
from connector.settings.file import Settings
from connector.store.lake import Lake
from mappings.fields import ObjectInfo
from mappings.model import Mapping
from scoring.model import Model


class Progress(Protocol):
    """Hear what a run is doing."""

    def begin(self, name: str) -> None:
        """Hear that a stage starts."""

    def advance(self, n: int) -> None:
        """Hear that n more things are done in it."""


class Silent:
    """Tell nobody."""

    def begin(self, name: str) -> None:
        """Ignore it."""

    def advance(self, n: int) -> None:
        """Ignore it."""


@dataclass(frozen=True)
class Job:
    """Bind configuration, model, mapping, store and CRM together.

    mapping is pruned to what this org has. allowed_calls is what is left of our share of the CRM's daily calls. stop is
    set when the process was asked to end. switched_off says what the CRM no longer has or allows, one line each; the
    stages add what they find.
    """

    settings: Settings
    models: Models
    mapping: Mapping
    folder: Path
    state: sqlite3.Connection
    lake: Lake
    crm: Crm
    connection: Connection
    owners: tuple[Owner, ...]
    describes: AbcMapping[str, ObjectInfo]
    duck: duckdb.DuckDBPyConnection
    allowed_calls: int | None = None
    progress: Progress = field(default_factory=Silent)
    stop: threading.Event = field(default_factory=threading.Event)
    switched_off: list[str] = field(default_factory=list)

    @property
    def model(self) -> Model:
        """Give the primary model of people."""
        return self.models.people

    def engine(self) -> duckdb.DuckDBPyConnection:
        """Give a fresh session of the run's one DuckDB; its temporary tables go with it."""
        return new_session(self.duck)
