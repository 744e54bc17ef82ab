"""What leaks promise and what they keep: the product's own training on a made-up CRM full of them.

    python -m benchmarks.predict_leaks [--leads 3000] [--seeds 3]

Beside what the command says, a model with every leak is judged on the rows it would really meet: the same leads with
their fields as they were while open, which only a made-up world can give. All by a logistic regression on bins.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.leaky_world import HONEST, LEAKS, leaky_world
from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from connector.training.candidates import candidates
from connector.training.facts import open_facts
from connector.training.rows import read_rows
from connector.training.snapshots import begin, take
from scoring.predict.evaluate import stratified_auc
from scoring.predict.train_fit import fit_lr_bins
from scoring.predict.train_matrix import Rows, split_by_time
from scoring.predict.train_tables import Tables

TARGET: Final = "opportunity_created"


def product(folder: Path) -> dict[str, Any]:
    """Train through the command line, in its own process."""
    asked = [sys.executable, "-m", "connector", "train", "--data", str(folder), "-o", str(folder / "m.json"), "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def rows_of(folder: Path, horizon_days: int) -> Rows:
    """Give the rows with every field as the files have it today, histories unread: what a careless training sees."""
    with open_engine() as engine:
        facts = open_facts(engine, open_tables(engine, folder), None)
        begin(engine, facts, TARGET)
        take(engine, facts, horizon_days)
        tried = candidates(engine, facts)
        return read_rows(engine, facts, (*tried.features, *tried.doubtful), ()).dated()


def shaped(rows: Rows, like: Rows) -> Rows:
    """Give rows the columns of others: a column of a file without any value has no type, and is unknown."""
    nothing = np.full(len(rows), np.nan)
    numbers = {name: rows.numbers.get(name, nothing) for name in like.numbers}
    return replace(rows, numbers=numbers, texts={name: rows.texts[name] for name in like.texts})


def area(tables: Tables, rows: Rows) -> float:
    """Give the AUC among leads as old."""
    return stratified_auc(tables.log_odds(rows).tolist(), rows.labels(), [int(age) for age in rows.ages()])[0]


def judged(leads: int, seed: int) -> dict[str, Any]:
    """Train on one world; gives what became of each leak, and the AUC promised and kept."""
    world = leaky_world(leads, seed)
    with tempfile.TemporaryDirectory() as today, tempfile.TemporaryDirectory() as before:
        told = product(world.write(Path(today)))
        rows = rows_of(Path(today), told["horizon_days"])
        as_open = rows_of(world.write(Path(before), open_fields=True), told["horizon_days"])
    split = split_by_time(rows, told["horizon_days"], 0.2)
    kept = shaped(split_by_time(as_open, told["horizon_days"], 0.2).holdout, rows)
    leaky = fit_lr_bins(split.train)
    verdicts = {one["name"]: one["action"] for one in told["blocked_features"]}
    return {
        "verdicts": {name: verdicts.get(name, "let in") for name in LEAKS},
        "honest_left_out": [name for name in HONEST if name in verdicts],
        "leaky_promised": area(leaky, split.holdout),
        "leaky_kept": area(leaky, kept),
        "told_with": told["auc_with_blocked"],
        "honest_promised": told["auc_without_blocked"],
        "published": told["published"],
    }


def main() -> None:
    """Train on some worlds and print the figures; exits 1 where a leak got in or an honest field was left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leads", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    found = [judged(given.leads, seed) for seed in range(1, given.seeds + 1)]
    print(f"| field | {' | '.join(f'world {n}' for n in range(1, given.seeds + 1))} | what it is |")
    print(f"|---|{'---|' * (given.seeds + 1)}")
    for name, what in LEAKS.items():
        print(f"| {name} | {' | '.join(one['verdicts'][name] for one in found)} | {what} |")
    for key in ("leaky_promised", "leaky_kept", "told_with", "honest_promised"):
        print(f"{key}: {', '.join(f'{one[key]:.3f}' for one in found)}")
    print(f"honest fields left out: {[one['honest_left_out'] for one in found]}")
    let_in = any("let in" in one["verdicts"].values() for one in found)
    sys.exit(let_in or any(one["honest_left_out"] for one in found))


if __name__ == "__main__":
    main()
