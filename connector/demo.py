"""The two minutes of a newcomer: a sandbox CRM, a whole run, a second run, and a page to look at."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connector.compose import open_job
from connector.crm.registry import connect
from connector.errors import LeadlightError
from connector.job import Progress
from connector.overview import overview
from connector.pipeline import Options, Outcome, sync
from connector.provisioning import provision
from connector.report.html import Overview, write_page
from connector.settings.file import load_settings
from connector.setup import keep_authority, sandbox_answers, write_config

ENDS_WITHIN_S = 10


@dataclass(frozen=True)
class DemoOptions:
    """Say which demo to give; the same seed gives the same people."""

    crm: str
    people: int
    seed: int
    as_of: datetime | None
    folder: Path
    model: str
    band: str  # the one that gets an owner and a task


@dataclass(frozen=True)
class Demo:
    """Hold what the demo did."""

    ready: dict[str, Any]
    first: Outcome
    second: Outcome
    seen: Overview
    report: Path
    config: Path

    def as_dict(self) -> dict[str, Any]:
        """Give the demo as the command line's JSON has it."""
        first = self.first.as_dict()
        again = self.second.plan
        return {
            "crm": self.ready["crm"],
            "pulled": first["pulled"],
            "scored": first["scored"],
            "plan": first["plan"],
            "applied": first["applied"],
            "second_run": {"changes": again.size if again else None, "api_calls": self.second.as_dict()["api_calls"]},
            "bands": {band.name: band.n for band in self.seen.bands},
            "api_calls": first["api_calls"],
            "duration_s": first["duration_s"],
            "report": str(self.report),
            "config": str(self.config),
            "url": self.ready["url"],
        }


@contextlib.contextmanager
def running_sandbox(options: DemoOptions) -> Iterator[dict[str, Any]]:
    """Serve a sandbox from a process of its own, as `leadlight sandbox serve` does; gives its ready line."""
    command = [sys.executable, "-m", "connector", "sandbox", "serve", "--crm", options.crm]
    command += ["--people", str(options.people), "--seed", str(options.seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise LeadlightError("the sandbox did not start; run `leadlight sandbox serve` to see why")
        yield json.loads(line)
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()


def give(options: DemoOptions, ready: dict[str, Any], progress: Progress) -> Demo:
    """Configure, provision, sync, sync again, and draw the page."""
    config = configure(options, ready)
    provision(config)
    run = Options(as_of=options.as_of, backfill_tasks=True)
    with open_job(config, writer=True, writes_crm=True, progress=progress) as job:
        first = sync(job, run)
    with open_job(config, writer=True, writes_crm=True, progress=progress) as job:
        second = sync(job, run)
        seen = overview(job, _tiles(first, second))
    report = options.folder / "leads.html"
    write_page(seen, report)
    return Demo(ready, first, second, seen, report.resolve(), config.resolve())


def _tiles(first: Outcome, second: Outcome) -> dict[str, int]:
    counts = first.plan.counts() if first.plan else {}
    return {
        "records written": counts.get("fields", 0),
        "owners set": counts.get("owners", 0),
        "tasks made": counts.get("tasks", 0),
        "changes in a second run": second.plan.size if second.plan else 0,
    }


def configure(options: DemoOptions, ready: dict[str, Any]) -> Path:
    """Write the demo's configuration; a store of an earlier demo belongs to a sandbox that is gone, and goes too."""
    config = options.folder / "config.toml"
    _forget_store(options.folder / "leadlight-store")
    ready = keep_authority(ready, config)
    for owners in ((), None):
        known = connect(load_settings(config)).owners() if owners is None else owners
        answers = sandbox_answers(ready, model=options.model, mapping=None, band=options.band, owners=known)
        write_config(answers, config, overwrite=True)
    return config


def _forget_store(folder: Path) -> None:
    """Remove the store of an earlier demo, and nothing that is no store."""
    if not (folder / "state.db").exists():
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
