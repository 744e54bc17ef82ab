"""Commands without any CRM: score plain files, print a model's statement."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import typer

from connector.audit.gate import refuse_unfit_files
from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from connector.engine.scoring import score_subjects
from connector.errors import ConfigError
from connector.models import Line, rolled_model
from connector.output import Output
from connector.pipeline import peak_rss_mb
from mappings.lists import load_lists
from scoring.annotations import in_comment
from scoring.assumed import assumed_columns, custom_columns
from scoring.compile import compile_model
from scoring.dialects import GENERATED, dialect_problem
from scoring.explain import iso
from scoring.model import AS_NAMED, Model, ModelError, load_model
from scoring.predict.artefact import TableModel
from scoring.schema import ColumnType


def score_files(
    out: Output,
    model: str | None,
    data: Path | None,
    as_of: datetime | None,
    output: Path | None,
    contributions: Path | None,
    allow: Sequence[str] = (),
) -> int:
    """Score plain files: no CRM, no store, no network."""
    if model is None or data is None or as_of is None or output is None:
        raise ConfigError("plain files need all of --model, --data, --as-of and -o")
    started, cpu = time.monotonic(), time.process_time()
    with open_engine() as engine:
        tables = open_tables(engine, data)
        used, people = models(model)
        refuse_unfit_files(engine, used, tables, as_of, allow)
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
    """Print a model's statement with what it expects; raises ConfigError where the dialect cannot say it."""
    problem = dialect_problem(dialect)
    if problem is not None:
        raise ConfigError(f"--dialect: {problem}")
    at = as_of or datetime.now(UTC).replace(microsecond=0)
    used, people = models(model)
    columns = assumed_columns([used, people] if people else [used])
    try:
        statement = compile_model(used, as_of=at, columns=columns, dialect=dialect, people=people, annotate=True)
    except ModelError as error:
        raise ConfigError(error.problems) from None
    except ValueError as error:
        raise ConfigError(f"{model}: {error}; leave the rule out, or score with another dialect") from None
    for line in _statement_notes(used, dialect, at, custom_columns(columns)):
        typer.echo(f"-- {line}")
    typer.echo("\n" + ";\n\n".join(statement.texts()) + ";")


def _statement_notes(model: Model, dialect: str, as_of: datetime, custom: Mapping[str, ColumnType]) -> Iterator[str]:
    """Say what a statement is, what it reads, and whether this dialect is run by tests."""
    yield f"model {model.id}@{model.hash}, as of {iso(as_of)}, {dialect}"
    if dialect in GENERATED:
        yield "generated and re-parsed, not run"
    yield "Reads people, accounts, events and adjustments; docs/sql.md says of which types. The tables made come first,"
    yield "then the scores, then the contributions, which add up to them."
    for name, kind in sorted(custom.items()):
        yield f"Expects the column {in_comment(name)}: {kind}."


def models(
    source: str, people: Sequence[Line] = (), tables: Mapping[str, TableModel] | None = AS_NAMED
) -> tuple[Model, Model | None]:
    """Read a model and the person model that it rolls up, one of these people's or the one beside its file.

    tables is as `load_model` has it. Raises ConfigError with every problem.
    """
    try:
        lists = load_lists(None)
        model = load_model(source, lists=lists, tables=tables)
        return model, rolled_model(model, people, lists)
    except ModelError as error:
        raise ConfigError(error.problems) from None
