"""Measure a whole loop over many people: what it takes of the connector, of the sandbox, and of the vendor's limits.

    python benchmarks/scale.py --people 100000 --crm both

Ends with 1 where a second run writes anything, or where the connector holds more memory than it may.
"""

import argparse
import math
import re
import sqlite3
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.processes import CRMS, BenchmarkError, Ran, Sandbox, configured, run, serving

MEMORY_LIMIT_MB = 1500
FIXED_CALLS = 25
CALLS_SHARE = 1.05
BULK_ROWS = 50_000  # rows in one answer of a Bulk query
BULK_ABOVE = 10_000
JOB_ROWS = 10_000  # Salesforce cuts ingest jobs into batches of so many
COLLECTION_ROWS = 200
HUBSPOT_ROWS = 100
LONG_TEXT_PAGE, PAGE = 1000, 2000
HUBSPOT_PER_S = 19.0  # 190 calls in ten seconds
HUBSPOT_SEARCHES_PER_S = 5.0
SALESFORCE_DAILY = 100_000  # what an Enterprise org has before any licence adds to it
SALESFORCE_READ = {
    **dict.fromkeys(("Lead", "Contact", "Account", "CampaignMember", "Opportunity"), PAGE),
    **dict.fromkeys(("Task", "Event", "Web_Activity__c"), LONG_TEXT_PAGE),
}
HUBSPOT_READ = ("contacts", "companies", "deals", "calls", "emails", "meetings")
EXEMPT = re.compile(r"/crm/v4/associations/")  # outside the ten-second limit


@dataclass(frozen=True)
class Stage:
    """Hold one command with what the sandbox spent on it and which requests came."""

    name: str
    ran: Ran
    sandbox_cpu_s: float
    requests: Mapping[str, int]
    reads: int
    writes: int

    @property
    def figures(self) -> Mapping[str, Any]:
        """Give the command's own figures."""
        return self.ran.result


@dataclass(frozen=True)
class Measured:
    """Hold what one CRM gave: its rows by object or event type, and the stages."""

    crm: str
    rows: Mapping[str, int]
    stages: tuple[Stage, ...]

    @property
    def loop(self) -> tuple[Stage, ...]:
        """Give the stages of the first whole loop: all but the second run."""
        return self.stages[:-1]

    def problems(self) -> list[str]:
        """Say what must not be."""
        second = self.stages[-1]
        found = []
        if second.writes or any(second.figures["plan"].values()):
            found.append(f"{self.crm}: the second run wrote: {second.writes} requests, plan {second.figures['plan']}")
        peak = max(stage.ran.peak_rss_mb for stage in self.stages)
        if peak > MEMORY_LIMIT_MB:
            found.append(f"{self.crm}: the connector held {peak:,.0f} MB, it may hold {MEMORY_LIMIT_MB:,}")
        return found


def measure(crm: str, people: int, seed: int, folder: Path) -> Measured:
    """Pull, score, sync with tasks, and sync again."""
    with serving(crm, folder, people=people, seed=seed) as sandbox:
        config = str(configured(folder))
        rows = rows_of(crm, sandbox.db)
        first = stage(sandbox, "pull", "pull", "--config", config)
        at = (
            "--as-of",
            first.figures["as_of"],
            "--config",
            config,
        )  # scores fall with time: both runs must mean the same
        rest = (
            stage(sandbox, "score", "score", *at),
            stage(sandbox, "sync", "sync", "--backfill-tasks", *at),
            stage(sandbox, "second sync", "sync", "--backfill-tasks", *at),
        )
    return Measured(crm, rows, (first, *rest))


def stage(sandbox: Sandbox, name: str, *words: str) -> Stage:
    """Run one command between two looks at the sandbox."""
    before, cpu_s = sandbox.stats(), sandbox.cpu_s()
    ran = run(*words)
    after = sandbox.stats()
    new = {path: n - before["by_path"].get(path, 0) for path, n in after["by_path"].items()}
    return Stage(
        name,
        ran,
        sandbox.cpu_s() - cpu_s,
        {path: n for path, n in new.items() if n},
        after["reads"] - before["reads"],
        after["writes"] - before["writes"],
    )


def rows_of(crm: str, db: Path) -> dict[str, int]:
    """Count the seeded rows of each object, and of each type of event, in the sandbox's own file."""
    objects = SALESFORCE_READ if crm == "salesforce" else HUBSPOT_READ
    with closing(sqlite3.connect(f"{db.as_uri()}?mode=ro", uri=True)) as records:
        rows = {name: records.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in objects}  # noqa: S608 - names of our own
        if crm == "hubspot":
            rows.update(records.execute("SELECT event_type, count(*) FROM event_occurrences GROUP BY 1").fetchall())
    return rows


def least_reads(crm: str, rows: Mapping[str, int]) -> int:
    """Count the requests that page sizes ask for; a Bulk query is asked for, looked at once, and fetched."""
    if crm == "hubspot":
        return sum(math.ceil(n / HUBSPOT_ROWS) for n in rows.values())
    return sum(
        math.ceil(n / BULK_ROWS) + 2 if n > BULK_ABOVE else math.ceil(n / SALESFORCE_READ[name])
        for name, n in rows.items()
    )


def least_writes(crm: str, plan: Mapping[str, int]) -> int:
    """Count the requests that batch sizes ask for: a job is made, filled and closed; a HubSpot task is linked, too."""
    fields, tasks = plan["fields"], plan["tasks"]
    if crm == "hubspot":
        return math.ceil(fields / HUBSPOT_ROWS) + 2 * math.ceil(tasks / HUBSPOT_ROWS)
    return 3 * math.ceil(fields / JOB_ROWS) + math.ceil(tasks / COLLECTION_ROWS)


def real_limits(measured: Measured) -> str:
    """Say what the vendor's own limits would make of these calls."""
    calls = sum(sum(stage.requests.values()) for stage in measured.loop)
    if measured.crm == "salesforce":
        return f"{calls:,} calls, {calls / SALESFORCE_DAILY:.2%} of the {SALESFORCE_DAILY:,} a day of the smallest org"
    by_path = [item for stage in measured.loop for item in stage.requests.items()]
    searches = sum(n for path, n in by_path if path.endswith("/search"))
    exempt = sum(n for path, n in by_path if EXEMPT.search(path))
    seconds = max((calls - searches - exempt) / HUBSPOT_PER_S, searches / HUBSPOT_SEARCHES_PER_S)
    return f"{calls:,} calls, {seconds / 60:.1f} minutes at 190 calls in 10 s and 5 searches in 1 s"


def report(measured: Measured) -> list[Table | str]:
    """Lay out the figures."""
    table = Table(title=f"{measured.crm}, {sum(measured.rows.values()):,} rows", title_justify="left", box=None)
    for heading in ("stage", "CPU s", "sandbox CPU s", "wall s", "peak MB", "reads", "writes", "did"):
        table.add_column(heading, justify="left" if heading in ("stage", "did") else "right")
    for one in measured.stages:
        figures = (f"{one.ran.cpu_s:.1f}", f"{one.sandbox_cpu_s:.1f}", f"{one.ran.wall_s:.1f}")
        counts = (f"{one.ran.peak_rss_mb:,.0f}", f"{one.reads:,}", f"{one.writes:,}")
        table.add_row(one.name, *figures, *counts, did(one))
    return [table, *lines(measured)]


def did(one: Stage) -> str:
    """Say what a command says it did."""
    told = [one.figures.get(name) or {} for name in ("pulled", "scored", "plan", "applied")]
    named = zip(("pulled", "scored", "planned", "applied"), told, strict=True)
    parts = [f"{word} " + " ".join(f"{n:,} {what}" for what, n in counts.items() if n) for word, counts in named]
    return ", ".join(part for part in parts if not part.endswith(" "))


def lines(measured: Measured) -> list[str]:
    """Say the figures that people compare."""
    pull, sync = measured.stages[0], measured.stages[2]
    rows = sum(measured.rows.values())
    reads, writes = least_reads(measured.crm, measured.rows), least_writes(measured.crm, sync.figures["plan"])
    cpu_s = sum(one.ran.cpu_s for one in measured.loop)
    sent, allowed = pull.reads + pull.writes + sync.writes, CALLS_SHARE * (reads + writes) + FIXED_CALLS
    needed = f"{pull.reads:,} read (pages need {reads:,}), {sync.writes:,} write (batches need {writes:,})"
    return [
        f"pull: {pull.ran.cpu_s / rows * 1e6:.1f} ms client CPU for 1,000 records",
        f"calls: {needed}; {sent:,} of {allowed:,.0f} allowed",
        f"CPU: connector {cpu_s:.1f} s, sandbox {sum(one.sandbox_cpu_s for one in measured.loop):.1f} s",
        f"at the vendor's limits: {real_limits(measured)}",
    ]


def chosen(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--crm", choices=(*CRMS, "both"), default="both")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="keep sandbox, configuration and store in this folder")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Measure, print, and say with the exit code whether all is as it must be."""
    asked = chosen(words)
    console = Console(highlight=False, width=200)
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="leadlight-scale-") as made:
        for crm in CRMS if asked.crm == "both" else (asked.crm,):
            measured = measure(crm, asked.people, asked.seed, (asked.keep or Path(made)) / crm)
            for part in report(measured):
                console.print(part)
            problems += measured.problems()
    for problem in problems:
        console.print(problem, style="red")
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except BenchmarkError as error:
        raise SystemExit(f"scale: {error}") from None
