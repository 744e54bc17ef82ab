"""What the table of a trained model costs: a million rows of 21 features, with the log-odds of every feature kept.

    python -m benchmarks.predict_scoring [--rows 1000000] [--repeats 3]

CPU seconds of one thread, in a process that does nothing else, from a Parquet file of features. `sum` gives the
probability alone, `all` the log-odds of all features beside it, both handed on in Arrow batches, as all that is stored
is; `kept` puts what `all` gives into a table in memory, and `copy` as many columns without a look into them.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from random import Random
from typing import Any

import duckdb

from connector.engine.duckdb import open_engine
from connector.engine.relations import literal
from scoring.dialects import rendered
from scoring.predict.artefact import TableModel, versioned
from scoring.predict.tables import table_statement

NUMERIC, CATEGORICAL, BINS, LEVELS = 13, 8, 32, 12
TARGET_S = 1.0
WAYS = ("sum", "all", "kept", "copy")
INTO_TABLE = ("kept", "copy")
BATCH_ROWS = 8_192


def trained() -> TableModel:
    """Make a model of 21 features with as many bins as training makes."""
    random = Random(1)  # noqa: S311 - the same model every time
    terms: list[dict[str, Any]] = []
    for number in range(NUMERIC):
        cuts = [100.0 * at / (BINS - 2) for at in range(1, BINS - 1)]
        terms.append({"feature": _feature(f"n{number}", "numeric"), "cuts": cuts, "bins": _bins(random, BINS)})
    for number in range(CATEGORICAL):
        levels = [f"level {at}" for at in range(LEVELS)]
        shape = {"levels": levels, "bins": _bins(random, LEVELS + 2)}
        terms.append({"feature": _feature(f"c{number}", "categorical"), **shape})
    raw = {"schema": 1, "version": "0" * 12, "target": "closed_won", "horizon_days": 90, "n_rows": 1, "terms": terms}
    raw |= {"trained_at": "-", "as_of": "-", "n_conversions": 1, "intercept": -2.0, "lo": -4.0, "hi": 1.0}
    return versioned(TableModel.model_validate_json(json.dumps(raw)))


def _feature(name: str, role: str) -> dict[str, str]:
    return {"id": name, "label": name, "kind": "attribute", "role": role, "field": name}


def _bins(random: Random, count: int) -> list[dict[str, float]]:
    return [{"log_odds": random.gauss(0, 1)} for _ in range(count)]


def write_rows(path: Path, rows: int) -> None:
    """Write features of which one in twenty is unknown, and one text in seven is none that the model knows."""
    known = "CASE WHEN RANDOM() >= 0.05 THEN {} END AS {}"
    columns = [known.format("RANDOM() * 120 - 10", f"n{number}") for number in range(NUMERIC)]
    levels = f"'level ' || FLOOR(RANDOM() * {LEVELS + 2})::INTEGER"
    columns += [known.format(levels, f"c{number}") for number in range(CATEGORICAL)]
    select = f"SELECT range::VARCHAR AS subject_id, {', '.join(columns)} FROM range({rows})"  # noqa: S608 - our own names
    with open_engine() as connection:
        connection.execute("SELECT SETSEED(0.5)")
        connection.execute(f"COPY ({select}) TO {literal(str(path))} (COMPRESSION zstd)")


def measured(path: Path, way: str) -> float:
    """Give the CPU seconds of one way, its statement's text ready."""
    model = trained()
    text = rendered(table_statement(model, "given", has_nan=False), "duckdb")
    copied = [f"n{place % NUMERIC} * {place + 1}.5e0 AS a{place}" for place in range(len(model.features) + 2)]
    selects = {
        "copy": f"SELECT subject_id, {', '.join(copied)} FROM given",  # noqa: S608 - our own names
        "sum": f"SELECT subject_id, probability FROM ({text})",  # noqa: S608 - as above
        "all": text,
        "kept": text,
    }
    with open_engine() as connection:
        connection.execute(f"CREATE TEMPORARY VIEW given AS FROM read_parquet({literal(str(path))})")
        connection.sql("SELECT 1 AS one").to_arrow_table()  # loads Arrow, which is no part of what is measured
        started = time.process_time()
        if way in INTO_TABLE:
            connection.execute(f"CREATE TEMPORARY TABLE made AS {selects[way]}")
        else:
            _drain(connection.sql(selects[way]))
        return time.process_time() - started


def _drain(found: duckdb.DuckDBPyRelation) -> None:
    """Take all rows, keeping none of them."""
    with found.to_arrow_reader(BATCH_ROWS) as batches:
        deque(batches, maxlen=0)


def main() -> None:
    """Measure every way in processes of their own and print the medians as JSON; exits 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", nargs=2, metavar=("FILE", "WAY"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        sys.stdout.write(f"{measured(Path(given.child[0]), given.child[1])}\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.parquet"
        write_rows(path, given.rows)
        command = [sys.executable, "-m", "benchmarks.predict_scoring", "--child", str(path)]
        # In turn, so that a slow minute of the machine is one of all ways.
        turns = [[float(subprocess.check_output([*command, way])) for way in WAYS] for _ in range(given.repeats)]
    times = dict(zip(WAYS, zip(*turns, strict=True), strict=True))
    medians = {f"{way}_cpu_s": round(statistics.median(found), 3) for way, found in times.items()}
    medians |= {f"{way}_least_cpu_s": round(min(found), 3) for way, found in times.items()}
    shape = {"rows": given.rows, "features": NUMERIC + CATEGORICAL, "target_s": TARGET_S}
    sys.stdout.write(json.dumps({**shape, **medians}) + "\n")
    sys.exit(medians["all_cpu_s"] > TARGET_S)


if __name__ == "__main__":
    main()
