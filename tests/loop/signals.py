"""Models made of a few event rules, what they score, and how the command line explains it."""

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from datetime import datetime
from typing import Any

from connector import pipeline
from connector.cli import app, guarded
from connector.compose import open_job
from connector.pipeline import Options, Outcome
from connector.reading import open_reading
from tests.loop.loops import Loop

HEAD = """
[model]
id = "signals"
"""
BAND = """
[[band]]
id = "hot"
"""


def model_of(points: Mapping[str, float], *more: str) -> str:
    """Write a model that gives points per event type, without decay; more are further tables of the file."""
    rules = [
        f'[[engagement]]\nid = "{kind}"\nlabel = "{kind}"\nevent = "{kind}"\npoints = {value}\ncap = 1000\n'
        for kind, value in points.items()
    ]
    return "\n".join([HEAD, *rules, *more, BAND])


def use_model(loop: Loop, text: str) -> None:
    """Put another model in place of the loop's own."""
    (loop.folder / "model.toml").write_text(text, encoding="utf-8")


def scored(loop: Loop, *, changed_only: bool = False, as_of: datetime | None = None) -> Outcome:
    """Pull what changed and score it as of the CRM's time, without writing to the CRM."""
    at = as_of or datetime.fromisoformat(loop.control("clock")["now"])
    with open_job(loop.config, writer=True) as job:
        pipeline.pull(job)
        return pipeline.score(job, Options(at, changed_only=changed_only))


def totals(loop: Loop, table: str = "scores") -> dict[str, float]:
    """Give the newest totals by record id."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        rows = engine.execute(f"SELECT subject_id, total FROM {reading.lake.relation(table)}").fetchall()  # noqa: S608 - a file list
        return {subject: float(total) for subject, total in rows}


def explained(loop: Loop, record_id: str) -> dict[str, Any]:
    """Ask `leadlight explain --json`."""
    told = io.StringIO()
    with redirect_stdout(told):
        assert guarded(lambda: app(["explain", record_id, "-c", str(loop.config), "--json"])) == 0
    found: dict[str, Any] = json.loads(told.getvalue())
    return found


def events_behind(loop: Loop, record_id: str) -> dict[str, int]:
    """Give how many events stand behind each rule of somebody's explanation."""
    return {row["rule_id"]: row["events"] for row in explained(loop, record_id)["contributions"]}
