"""The other sides of the scoring benchmark, each for a process of its own: `scan`, `compile`, `pandas`."""

import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb

from connector.engine.relations import literal, quoted

REPEATS = 5
MS_PER_S = 1000.0
_TEXTS = {
    "people": (
        *("person_id", "account_id", "email", "phone", "title", "seniority", "department", "buying_role", "country"),
        *("source", "kind"),
    ),
    "accounts": ("account_id", "industry", "type"),
    "events": ("type", "url", "person_id"),
}
_OTHERS = {
    "people": ("COUNT(*) FILTER (opted_out)", "MAX(created_at)"),
    "accounts": ("SUM(employees)", "SUM(revenue)", "SUM(LEN(technologies))"),
    "events": ("MAX(occurred_at)", "SUM(value)", "COUNT(*) FILTER (is_bot)"),
}


def scan(folder: Path) -> None:
    """Read every column that the model uses once; the events grouped by person, their other columns in sums."""
    with duckdb.connect(config={"preserve_insertion_order": False}) as session:
        for table, texts in _TEXTS.items():
            # Lengths need the texts themselves, where a count would be answered from the files' statistics.
            read = ", ".join([f"SUM(STRLEN({quoted(name)}))" for name in texts] + list(_OTHERS[table]))
            source = f"read_parquet({literal(str(folder / f'{table}.parquet'))})"
            select = f"SELECT {read} FROM {source}"  # noqa: S608 - our own names
            grouped = f"CREATE TEMPORARY TABLE by_person AS SELECT person_id, COUNT(*), {read} FROM {source} GROUP BY person_id"  # noqa: S608, E501 - as above
            session.execute(grouped if table == "events" else select).fetchall()


def compiled(model: Path) -> None:
    """Time the compilation of a loaded model, for the first time and again."""
    from benchmarks.scoring_data import AS_OF
    from scoring.compile import compile_model
    from scoring.model import load_model
    from scoring.schema import TABLES

    loaded = load_model(model)
    times_ms = []
    for position in range(REPEATS + 1):
        # Another column makes another statement, so that none comes from the memory of the last.
        columns = {name: dict(TABLES[name].columns) for name in ("people", "accounts", "events")}
        columns["people"][f"unused_{position}"] = "text"
        started = time.process_time()
        compile_model(loaded, as_of=AS_OF, columns=columns)
        times_ms.append((time.process_time() - started) * MS_PER_S)
    sys.stdout.write(json.dumps({"first_ms": times_ms[0], "warm_ms": statistics.median(times_ms[1:])}) + "\n")


def main(words: Sequence[str]) -> None:
    """Do what the first word says."""
    match words:
        case ["scan", folder]:
            scan(Path(folder))
        case ["compile", model]:
            compiled(Path(model))
        case ["pandas", folder, model, as_of]:
            from benchmarks.scoring_pandas import write_scores

            write_scores(Path(folder), Path(model), as_of)
        case _:
            raise SystemExit("scan FOLDER, compile MODEL or pandas FOLDER MODEL AS_OF")


if __name__ == "__main__":
    main(sys.argv[1:])
