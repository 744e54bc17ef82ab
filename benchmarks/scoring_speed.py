"""Measure what scoring takes, against reading the same files once and one GROUP BY, and against pandas.

    python benchmarks/scoring_speed.py --people 1000000 --events-per-person 20 --pairs 3

Every figure is CPU time, user and system, of a process of its own, start-up included, and its peak memory. The two
sides of a pair run one after the other, and the next pair in the other order. Ends with 1 where a target is missed.
"""

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.processes import COMMAND, ROOT, BenchmarkError, Ran, Started, compile_sources
from benchmarks.scoring_data import AS_OF, World, make_world
from connector.engine.relations import literal
from connector.store.lake import Lake
from connector.store.state import open_state

MOST_TIMES, MOST_MB = 6.0, 700.0
MOST_COMPILE_MS, MOST_EXPLAIN_S, MOST_HELP_S = 50.0, 0.9, 0.35
MOST_OF_PANDAS = 1 / 6
SAME = 1e-9
PROBES = (sys.executable, "-m", "benchmarks.scoring_probes")
BYTES_PER_EVENT = 40  # zstd, with the outputs and a spill
INSTALL = "pandas is not installed and no part of the product: python -m pip install pandas pyarrow"
CONFIG = """config_version = 1
[crm]
kind = "salesforce"
instance_url = "https://nobody.my.salesforce.com"
auth = "token"
[store]
path = "store"
[[model]]
file = {model}
"""


@dataclass(frozen=True)
class Pair:
    """Hold both sides of one comparison."""

    product: Ran
    other: Ran

    @property
    def times(self) -> float:
        """Give the CPU time of the product as a multiple of the other side's."""
        return self.product.cpu_s / self.other.cpu_s


@dataclass(frozen=True)
class Figure:
    """Hold one figure and its target."""

    name: str
    value: float
    most: float
    unit: str

    @property
    def is_met(self) -> bool:
        """Tell whether the target is met."""
        return self.value <= self.most


def start(*words: str) -> Ran:
    """Run any program to its end; raises BenchmarkError where it fails."""
    stdout, stderr = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - `finish` closes them
    process = subprocess.Popen(words, stdout=stdout, stderr=stderr, cwd=ROOT)
    ran = Started(words, process, stdout, stderr, time.monotonic()).finish()
    if ran.code:
        raise BenchmarkError(f"{' '.join(words)}: ended with {ran.code}\n{ran.said[-3000:]}")
    return ran


def score(world: World) -> Ran:
    """Score the files with the product, contributions stored."""
    files = ("-o", str(world.folder / "scores.parquet"), "--contributions", str(world.folder / "contributions.parquet"))
    words = ("score", "--model", str(world.model), "--data", str(world.folder), "--as-of", AS_OF.isoformat())
    return start(*COMMAND, *words, *files, "--json")


def scan(world: World) -> Ran:
    """Read the columns that the model uses, and group the events by person."""
    return start(*PROBES, "scan", str(world.folder))


def pandas(world: World) -> Ran:
    """Compute the same scores and rows with pandas."""
    return start(*PROBES, "pandas", str(world.folder), str(world.model), AS_OF.isoformat())


def paired(product: Callable[[], Ran], other: Callable[[], Ran], pairs: int) -> list[Pair]:
    """Run both sides so often, each first in turn."""
    found = []
    for position in range(pairs):
        if position % 2:
            second = other()
            found.append(Pair(product(), second))
        else:
            first = product()
            found.append(Pair(first, other()))
    return found


def median_times(pairs: Sequence[Pair]) -> float:
    """Give the median of the pairs' ratios."""
    return statistics.median(pair.times for pair in pairs)


def stored(world: World) -> Path:
    """Put the same files into a store, as a sync leaves them; gives its configuration."""
    folder = world.folder / "store"
    state = open_state(folder)
    try:
        lake = Lake(folder, state)
        for table in ("people", "accounts", "events"):
            linked = world.folder / f"{table}.linked"
            os.link(world.folder / f"{table}.parquet", linked)
            lake.replace(table, linked)
    finally:
        state.close()
    config = world.folder / "config.toml"
    config.write_text(CONFIG.format(model=f'"{world.model.name}"'), encoding="utf-8")
    return config


def explain(world: World, config: Path) -> Ran:
    """Explain one person from the store."""
    words = ("explain", world.somebody, "--config", str(config), "--as-of", AS_OF.isoformat(), "--json")
    return start(*COMMAND, *words)


def largest_difference(world: World) -> float:
    """Compare the totals of both sides, and the sum of the rows that explain them.

    Raises BenchmarkError where they do not name the same people.
    """
    names = ("scores", "contributions", "pandas_scores", "pandas_contributions")
    ours, our_rows, theirs, their_rows = (
        f"read_parquet({literal(str(world.folder / f'{name}.parquet'))})" for name in names
    )
    with duckdb.connect() as session:
        summed = "(SELECT subject_id, SUM(points) AS points FROM {} GROUP BY 1)"
        unpaired, most, unlike = session.execute(
            "SELECT COUNT(*) FILTER (ours.total IS NULL OR theirs.total IS NULL), MAX(ABS(ours.total - theirs.total)), "  # noqa: S608 - quoted
            "MAX(ABS(COALESCE(a.points, 0) - COALESCE(b.points, 0))) "
            f"FROM {ours} AS ours FULL JOIN {theirs} AS theirs USING (subject_id) "
            f"LEFT JOIN {summed.format(our_rows)} AS a USING (subject_id) "
            f"LEFT JOIN {summed.format(their_rows)} AS b USING (subject_id)"
        ).fetchall()[0]
    if unpaired:
        raise BenchmarkError(f"{unpaired} people have a total on one side alone")
    return max(float(most), float(unlike))


def figures(world: World, pairs: int) -> tuple[list[Pair], list[Figure]]:
    """Measure all but pandas."""
    found = paired(lambda: score(world), lambda: scan(world), pairs)
    config = stored(world)
    compiled = [start(*PROBES, "compile", str(world.model)).result for _ in range(pairs)]
    explained = statistics.median(explain(world, config).cpu_s for _ in range(pairs))
    help_s = statistics.median(start(*COMMAND, "--help").cpu_s for _ in range(pairs))
    return found, [
        Figure("score / (scan + GROUP BY), CPU", median_times(found), MOST_TIMES, "x"),
        Figure("score, peak memory", max(pair.product.peak_rss_mb for pair in found), MOST_MB, "MB"),
        Figure("compile, first time", statistics.median(one["first_ms"] for one in compiled), MOST_COMPILE_MS, "ms"),
        Figure("compile, warm", statistics.median(one["warm_ms"] for one in compiled), MOST_COMPILE_MS, "ms"),
        Figure("explain one person, CPU", explained, MOST_EXPLAIN_S, "s"),
        Figure("leadlight --help, CPU", help_s, MOST_HELP_S, "s"),
    ]


def against_pandas(world: World, pairs: int) -> tuple[list[Pair], list[Figure]]:
    """Measure the same model in pandas."""
    found = paired(lambda: score(world), lambda: pandas(world), pairs)
    return found, [
        Figure("score / pandas, CPU", median_times(found), MOST_OF_PANDAS, "x"),
        Figure("largest difference of a total from pandas", largest_difference(world), SAME, "points"),
    ]


def pairs_table(other: str, pairs: Sequence[Pair]) -> Table:
    """Lay out the pairs."""
    table = Table(title=f"score and {other}", title_justify="left", box=None)
    for heading in ("score CPU s", "MB", "wall s", f"{other} CPU s", "MB", "wall s", "ratio"):
        table.add_column(heading, justify="right")
    for pair in pairs:
        sides = [
            (f"{ran.cpu_s:.2f}", f"{ran.peak_rss_mb:,.0f}", f"{ran.wall_s:.1f}") for ran in (pair.product, pair.other)
        ]
        table.add_row(*sides[0], *sides[1], f"{pair.times:.2f}")
    return table


def figures_table(found: Sequence[Figure]) -> Table:
    """Lay out the figures beside their targets."""
    table = Table(title="targets", title_justify="left", box=None)
    for heading in ("figure", "measured", "target", ""):
        table.add_column(heading, justify="left" if heading in ("figure", "") else "right")
    for one in found:
        measured, most = (f"{value:,.3g} {one.unit}" for value in (one.value, one.most))
        table.add_row(one.name, measured, f"<= {most}", "met" if one.is_met else "[red]missed[/]")
    return table


def chosen(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--events-per-person", type=float, default=20.0)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--pandas", action="store_true", help="compare with the same model in pandas, too")
    parser.add_argument("--keep", type=Path, help="make the files in this folder and keep them")
    return parser.parse_args(words)


def refuse(asked: argparse.Namespace, folder: Path) -> None:
    """Raise BenchmarkError before anything is made that could not be finished."""
    if asked.pandas and importlib.util.find_spec("pandas") is None:
        raise BenchmarkError(INSTALL)
    needed = asked.people * asked.events_per_person * BYTES_PER_EVENT
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if free < needed:
        raise BenchmarkError(f"{folder}: {free / 1e9:.1f} GB are free, about {needed / 1e9:.1f} are needed")


def main(words: Sequence[str]) -> int:
    """Measure, print, and say with the exit code whether every target is met."""
    asked = chosen(words)
    compile_sources()
    console = Console(highlight=False, width=160)
    with tempfile.TemporaryDirectory(prefix="leadlight-scoring-", dir=asked.keep and asked.keep.parent) as made:
        refuse(asked, Path(made))
        folder = asked.keep or Path(made)
        world = make_world(folder, people=asked.people, events_per_person=asked.events_per_person, seed=asked.seed)
        console.print(f"{world.people:,} people, {world.events:,} events, 40 rules and a multiplier, seed {asked.seed}")
        pairs, found = figures(world, asked.pairs)
        console.print(pairs_table("scan + GROUP BY", pairs))
        if asked.pandas:
            pairs, more = against_pandas(world, asked.pairs)
            console.print(pairs_table("pandas", pairs))
            found += more
    console.print(figures_table(found))
    return 0 if all(one.is_met for one in found) else 1


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except BenchmarkError as error:
        raise SystemExit(f"scoring: {error}") from None
