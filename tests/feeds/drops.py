"""Files of feeds that are dropped beside a configuration, and what a run made of them."""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector import pipeline
from connector.compose import open_job
from connector.pipeline import Options, Outcome
from connector.reading import open_reading
from tests.loop.loops import Loop

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
DROPPED_AT = datetime(2026, 6, 30, tzinfo=UTC)


def feed(loop: Loop, name: str, **settings: object) -> None:
    """Add a feed to a configuration."""
    rows = {"id": name, "path": f"./drop/{name}", **settings}
    text = "\n".join(f"{key} = {_toml(value)}" for key, value in rows.items() if value is not None)
    with loop.config.open("a", encoding="utf-8") as file:
        file.write(f"\n[[feed]]\n{text}\n")


def drop(loop: Loop, name: str, content: str | bytes | Iterable[Mapping[str, object]], file: str = "rows.csv") -> Path:
    """Put a file into the folder of a feed, dated before the tests' time; rows become a CSV file."""
    path = loop.folder / "drop" / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, str | bytes):
        content = csv_text(list(content))
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    stamp = DROPPED_AT.timestamp()
    os.utime(path, (stamp, stamp))
    return path


def csv_text(rows: list[Mapping[str, object]]) -> str:
    """Write rows as CSV; every cell is quoted."""
    lines = [",".join(f'"{name}"' for name in rows[0])]
    lines += [
        ",".join('"' + str("" if cell is None else cell).replace('"', '""') + '"' for cell in row.values())
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def score(loop: Loop, as_of: datetime = AT, *, changed_only: bool = False) -> Outcome:
    """Pull, read the feeds and score, without writing to the CRM; gives how the reading went."""
    with open_job(loop.config, writer=True) as job:
        read = pipeline.pull(job)
        pipeline.score(job, Options(as_of, changed_only=changed_only))
    return read


def table(loop: Loop, name: str) -> list[dict[str, Any]]:
    """Give the present rows of a table of the lake."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation(name)
        return [] if relation is None else engine.sql(f"SELECT * FROM {relation}").to_arrow_table().to_pylist()  # noqa: S608 - a file list


def fed(loop: Loop, name: str = "events") -> list[dict[str, Any]]:
    """Give the rows of events that came by feeds, by id."""
    rows = [row for row in table(loop, name) if row["event_id"].startswith("feed:")]
    return sorted(rows, key=lambda row: str(row["event_id"]))


def use_model(loop: Loop, text: str) -> None:
    """Score people with another model than the loops'."""
    (loop.folder / "model.toml").write_text(text, encoding="utf-8")


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | int | float) else f'"{value}"'
