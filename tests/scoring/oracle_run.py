"""`make oracle`: thousands of random models and worlds, each scored by the engine and by the plain-Python oracle.

Prints what was compared and, of every fifth pair, which features its model had and in how many they mattered.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from hypothesis import HealthCheck, Phase, given, seed, settings

from connector.engine.duckdb import open_engine
from tests.scoring.features import CARELESS, features, looked_at
from tests.scoring.pairs import Pair, compare, pairs

EVERY = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the exit code is 1 where anything differs."""
    parser = argparse.ArgumentParser(prog="make oracle", description="Scores random pairs by engine and oracle.")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-features", action="store_true", help="leave out which features the models had")
    parser.add_argument("--stop", action="store_true", help="stop at the first difference")
    told = parser.parse_args(arguments)
    started = time.monotonic()
    counts, seen, different = shared_run(told)
    for text in different[:3]:
        print(text, file=sys.stderr)
    if not told.no_features:
        print(*feature_lines(seen), sep="\n")
    print(
        f"pairs {counts['pairs']:,} (of people {counts['of people']:,}, of accounts {counts['of accounts']:,})"
        f" · subjects {counts['subjects']:,} · contributions {counts['contributions']:,}"
        f" · differences {counts['differences']:,} · {time.monotonic() - started:,.0f} s · seed {told.seed}"
    )
    return 1 if different or (counts["pairs"] < told.pairs and not told.stop) else 0


def shared_run(told: argparse.Namespace) -> tuple[Counter[str], Counter[tuple[str, bool]], list[str]]:
    """Let every processor compare its share of the pairs."""
    workers = min(os.cpu_count() or 1, told.pairs)
    shares = [told.pairs // workers + (number < told.pairs % workers) for number in range(workers)]
    do = partial(run, with_features=not told.no_features, stop=told.stop)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(do, shares, range(told.seed * 1000, told.seed * 1000 + workers)))
    counts = sum((one for one, _, _ in found), Counter())
    return counts, sum((one for _, one, _ in found), Counter()), [text for _, _, one in found for text in one]


def run(
    wanted: int, start: int, *, with_features: bool, stop: bool = False
) -> tuple[Counter[str], Counter[tuple[str, bool]], list[str]]:
    """Compare so many pairs; gives the counts, how often each feature mattered or not, and the differences."""
    counts: Counter[str] = Counter()
    seen: Counter[tuple[str, bool]] = Counter()
    different: list[str] = []
    with open_engine() as connection:

        @seed(start)
        @settings(
            max_examples=wanted,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(pair=pairs())
        def one(pair: Pair) -> None:
            if stop and different:
                return
            counts.update({"pairs": 1, "of people" if pair.people_model is None else "of accounts": 1})
            try:
                counts.update(compare(connection, pair))
            except AssertionError as error:
                counts["differences"] += 1
                different.append(f"--- differs: {error}\nas_of {pair.as_of}, lacking {pair.lacking}\n{pair.model}")
            if with_features and counts["pairs"] % EVERY == 0:
                seen.update(looked_at(pair))

        one()
    return counts, seen, different


def feature_lines(seen: Counter[tuple[str, bool]]) -> list[str]:
    """Give a table: each feature, in how many models it was, in how many it mattered."""
    names = [*features(), *CARELESS]
    rows = [(name, seen[name, True] + seen[name, False], seen[name, True]) for name in names]
    head = f"{'of every fifth pair':36} {'had it':>8} {'it mattered':>12}"
    return [head, *(f"{name:36} {had:8,} {mattered:12,}" for name, had, mattered in rows)]


if __name__ == "__main__":
    sys.exit(main())
