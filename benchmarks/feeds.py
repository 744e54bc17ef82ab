"""Read a file of a million rows, match each to a person or an account, and store them: seconds of CPU, and memory.

    python -m benchmarks.feeds --rows 1000000 --people 500000 --accounts 50000

Seven rows in ten name a person whom the store knows, two a person whom it does not, one a company by its domain alone;
one line in the middle of the file is broken. The figures are those of a process of its own, start-up included. Ends
with 1 where a target is missed or a row is lost.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import duckdb

from benchmarks.processes import RSS_UNITS_PER_MB, compile_sources
from connector.engine.duckdb import open_engine
from connector.engine.relations import literal
from connector.feeds.stage import feeds_stage
from connector.job import Job
from connector.settings.feeds import FeedSettings
from connector.settings.file import Settings
from connector.settings.signals import SignalSettings
from connector.store.lake import Lake
from connector.store.state import open_state

MOST_CPU_S, MOST_MB = 60.0, 1000.0
POISON = b'x,"no end of this,product_usage,2026-06-01T00:00:00Z,1\n'
PEOPLE = """
SELECT 'p' || i AS person_id, 'contact' AS kind, 'a' || (i % {accounts}) AS account_id,
       'person' || i || '@company' || (i % {accounts}) || '.example' AS email
FROM range({people}) AS of_all(i)
"""
ACCOUNTS = "SELECT 'a' || i AS account_id, 'company' || i || '.example' AS domain FROM range({accounts}) AS of_all(i)"
ROWS = """
SELECT CASE WHEN i % 10 < 7 THEN 'Person' || (hash(i) % {people}) || '@company' || (hash(i) % {people} % {accounts})
              || '.example'
            WHEN i % 10 < 9 THEN 'nobody' || i || '@elsewhere.example' END AS email,
       'company' || (i % {accounts}) || '.example' AS domain,
       CASE i % 20 WHEN 0 THEN 'invited' ELSE 'used' END AS event,
       strftime(TIMESTAMP '2026-01-01' + to_seconds(i * 15), '%Y-%m-%dT%H:%M:%SZ') AS occurred_at,
       'feature ' || (i % 40) AS name, 1 + i % 9 AS count, round((i % 300) / 100, 2) AS trend, 'team' AS plan
FROM range({rows}) AS of_all(i)
"""


def make(folder: Path, rows: int, people: int, accounts: int) -> None:
    """Write the file of rows, and the people and accounts as a store holds them."""
    numbers = {"rows": rows, "people": people, "accounts": accounts}
    whole = folder / "whole.csv"
    with duckdb.connect() as engine, closing(open_state(folder / "store")) as state:
        lake = Lake(folder / "store", state)
        for table, key, select in (("people", "person_id", PEOPLE), ("accounts", "account_id", ACCOUNTS)):
            page = engine.sql(select.format(**numbers)).to_arrow_table()
            lake.commit(lake.merge(table, key, [page]))
        engine.execute(f"COPY ({ROWS.format(**numbers)}) TO {literal(str(whole))} (HEADER)")
    text = whole.read_bytes()
    middle = text.index(b"\n", len(text) // 2) + 1
    (folder / "usage.csv").write_bytes(text[:middle] + POISON + text[middle:])
    whole.unlink()


def read(folder: Path) -> dict[str, int]:
    """Read the file in this process; what a job has of models and CRM is not there, and nothing here asks for it."""
    feed = FeedSettings(id="usage", use="product_usage", path=str(folder / "usage.csv"))
    settings = Settings.model_construct(feed=(feed,), signals=SignalSettings())
    absent = cast("Any", None)
    store = folder / "store"
    with closing(open_state(store)) as state, open_engine(768, store / "spill") as duck:
        lake = Lake(store, state)
        return feeds_stage(Job(settings, absent, absent, store, state, lake, absent, absent, (), {}, duck))


def measured(folder: Path) -> tuple[dict[str, int], float, float]:
    """Read the file in a process of its own; gives what came of it, its CPU seconds and its peak in MB."""
    child = [sys.executable, "-m", "benchmarks.feeds", "--read", str(folder)]
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(child, stdout=told)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        found: dict[str, int] = json.loads(told.read() or b"{}")
    return found, used.ru_utime + used.ru_stime, used.ru_maxrss / RSS_UNITS_PER_MB


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=500_000)
    parser.add_argument("--accounts", type=int, default=50_000)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read is not None:
        print(json.dumps(read(asked.read)))
        return 0
    compile_sources()
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), asked.rows, asked.people, asked.accounts)
        size = (Path(name) / "usage.csv").stat().st_size / 1_000_000
        found, cpu_s, peak_mb = measured(Path(name))
    print(
        f"{asked.rows:,} rows, {size:,.0f} MB: {cpu_s:.1f} CPU s of {MOST_CPU_S:.0f}, {peak_mb:.0f} MB of {MOST_MB:.0f}"
    )
    print(", ".join(f"{value:,} {name}" for name, value in found.items()))
    # an event of a company whose person is not known is the company's, and waits for the person as well
    unknown = asked.rows // 10 * 2
    whole = (found.get("events"), found.get("held"), found.get("rejects")) == (asked.rows, unknown, 1)
    print("nothing was lost" if whole else "rows were lost")
    return 0 if whole and cpu_s <= MOST_CPU_S and peak_mb <= MOST_MB else 1


if __name__ == "__main__":
    sys.exit(main())
