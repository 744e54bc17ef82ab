"""The statement as text in other dialects, without their engines."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from mappings.lists import load_lists
from scoring.assumed import assumed_columns
from scoring.compile import Statement, compile_model
from scoring.dialects import GENERATED, RUN, dialect_problem
from scoring.model import Model, load_model, load_people_model
from tests.dialects.cases import PRESETS

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def statement_of(model: Model, dialect: str) -> Statement:
    people = load_people_model(model, load_lists())
    columns = assumed_columns([model, people] if people else [model])
    return compile_model(model, as_of=NOW, columns=columns, dialect=dialect, people=people)


def texts_of(statement: Statement) -> tuple[str, ...]:
    return (*statement.prepare, statement.scores, statement.contributions)


@pytest.mark.parametrize("dialect", [*RUN, *GENERATED])
def test_every_preset_is_generated_and_parses_again(dialect: str) -> None:
    for file in sorted(PRESETS.glob("*.toml")):
        for text in texts_of(statement_of(load_model(file, load_lists()), dialect)):
            (tree,) = sqlglot.parse(text, read=dialect)
            assert tree is not None
            assert tree.find(exp.Command) is None, f"{file.name}: {dialect} does not read what was written"


def test_long_names_stay_apart_in_postgres(tmp_path: Path) -> None:
    ids = [f"{'long_' * 12}{number}" for number in range(2)]
    rules = "".join(f"[[fit]]\nid = '{one}'\npoints = 1\nwhen = {{ field = 'email', present = true }}\n" for one in ids)
    (tmp_path / "m.toml").write_text(f"[model]\nid = 'm'\n{rules}", encoding="utf-8")
    statement = statement_of(load_model(tmp_path / "m.toml"), "postgres")
    names = {
        one.name for text in texts_of(statement) for one in sqlglot.parse_one(text, "postgres").find_all(exp.Identifier)
    }
    assert max(len(name.encode()) for name in names) <= 63
    assert len([name for name in names if name.startswith("rule.long_") and "~" in name]) == 2
    assert all(f"'{one}'" in statement.contributions for one in ids)


def test_the_nearest_dialect_is_named() -> None:
    assert dialect_problem("postgres") is None
    assert dialect_problem("snowflak") == (
        "there is no dialect 'snowflak', did you mean 'snowflake'? (there are duckdb, postgres, spark, bigquery, "
        "databricks, snowflake, trino)"
    )
