"""Commands without any CRM: score plain files, print a model's statement."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import typer

from connector.engine.duckdb import open_engine, score_subjects
from connector.engine.plain import open_tables
from connector.errors import ConfigError
from connector.models import Line, rolled_model
from connector.output import Output
from connector.pipeline import peak_rss_mb
from mappings.lists import load_lists
from scoring.compile import compile_model
from scoring.model import Model, ModelError, load_model
from scoring.schema import TABLES


def score_files(
    out: Output,
    model: str | None,
    data: Path | None,
    as_of: datetime | None,
    output: Path | None,
    contributions: Path | None,
) -> int:
    """Score plain files: no CRM, no store, no network."""
    if model is None or data is None or as_of is None or output is None:
        raise ConfigError("plain files need all of --model, --data, --as-of and -o")
    started, cpu = time.monotonic(), time.process_time()
    with open_engine() as engine:
        tables = open_tables(engine, data)
        used, people = models(model)
        counts = score_subjects(
            engine, used, people, as_of=as_of, sources=tables, scores_path=output, contributions_path=contributions
        )
    result = {
        **asdict(counts),
        "seconds": round(time.monotonic() - started, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
        "peak_rss_mb": peak_rss_mb(),
    }
    out.result(result, [f"{counts.people:,} people scored into {output} in {result['cpu_seconds']} CPU s"])
    return 0


def sql(model: str, dialect: str, as_of: datetime | None) -> None:
    """Print a model's statement."""
    columns = {name: dict(known.columns) for name, known in TABLES.items()}
    at = as_of or datetime.now(UTC).replace(microsecond=0)
    used, people = models(model)
    statement = compile_model(used, as_of=at, columns=columns, dialect=dialect, people=people)
    typer.echo(";\n\n".join((*statement.prepare, statement.scores, statement.contributions)) + ";")


def models(source: str, people: Sequence[Line] = ()) -> tuple[Model, Model | None]:
    """Read a model and the person model that it rolls up, one of these people's or the one beside its file.

    Raises ConfigError with every problem.
    """
    try:
        lists = load_lists(None)
        model = load_model(source, lists=lists)
        return model, rolled_model(model, people, lists)
    except ModelError as error:
        raise ConfigError(error.problems) from None
