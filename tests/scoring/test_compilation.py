"""The compiled statement as text: safe, the same for every time, and readable by other engines' parsers."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlglot

from scoring.compile import compile_model
from scoring.model import Model, ModelError, load_model, load_people_model
from scoring.schema import TABLES, ColumnType

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
COLUMNS: dict[str, dict[str, ColumnType]] = {
    "people": {"person_id": "text", "account_id": "text", "seniority": "text", "nps": "number", "tags": "list"},
    "accounts": {"account_id": "text", "industry": "text", "tier": "text"},
    "events": {"event_id": "text", "type": "text", "occurred_at": "datetime", "person_id": "text", "url": "text"},
}


def model_of(folder: Path, when: str) -> Model:
    file = folder / "m.toml"
    file.write_text(f"[model]\nid = 'm'\n[[fit]]\nid = 'a'\npoints = 1\nwhen = {when}\n", encoding="utf-8")
    return load_model(file)


def test_only_the_clock_knows_the_time() -> None:
    model = load_model("preset:b2b_saas")
    first = compile_model(model, as_of=NOW, columns=COLUMNS)
    second = compile_model(model, as_of=datetime(2020, 1, 1), columns=COLUMNS)  # noqa: DTZ001 - no zone means UTC
    assert first.prepare[0] != second.prepare[0]
    assert (first.prepare[1:], first.scores, first.contributions) == (
        second.prepare[1:],
        second.scores,
        second.contributions,
    )
    assert "1782907200" in first.prepare[0]


def test_values_are_quoted(tmp_path: Path) -> None:
    model = model_of(tmp_path, """{ field = "seniority", is = "x'); DROP TABLE people; --" }""")
    text = compile_model(model, as_of=NOW, columns=COLUMNS).prepare[-1]
    assert "'x''); drop table people; --'" in text
    assert len(sqlglot.parse(text, read="duckdb")) == 1


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "spark", "snowflake", "bigquery"])
@pytest.mark.parametrize("preset", ["b2b_saas", "account_based", "healthcare", "product_led"])
def test_other_dialects_parse(dialect: str, preset: str) -> None:
    model = load_model(f"preset:{preset}")
    columns = {name: table.columns for name, table in TABLES.items()}
    people = load_people_model(model)
    statement = compile_model(model, as_of=NOW, columns=columns, dialect=dialect, people=people)
    for text in (*statement.prepare, statement.scores, statement.contributions):
        assert len(sqlglot.parse(text, read=dialect)) == 1


def test_fields_that_the_data_lack(tmp_path: Path) -> None:
    model = model_of(tmp_path, "{ all = [{ field = 'npss', gt = 1 }, { field = 'account.tear', is = 'x' }] }")
    with pytest.raises(ModelError) as caught:
        compile_model(model, as_of=NOW, columns=COLUMNS)
    assert [problem.split(": ", 1)[1] for problem in caught.value.problems] == [
        "there is no field 'account.tear', did you mean 'account.tier'?",
        "there is no field 'npss', did you mean 'nps'?",
    ]


def test_operators_that_do_not_fit_a_custom_column(tmp_path: Path) -> None:
    model = model_of(tmp_path, "{ any = [{ field = 'nps', contains = 'x' }, { field = 'tags', is = 'x' }] }")
    with pytest.raises(ModelError) as caught:
        compile_model(model, as_of=NOW, columns=COLUMNS)
    assert "'nps' is a number: 'contains' does not apply to it" in caught.value.problems[0]
    assert "'tags' is a list: 'is' does not apply to it" in caught.value.problems[1]


def test_canonical_fields_may_be_absent(tmp_path: Path) -> None:
    model = model_of(tmp_path, "{ field = 'account.revenue', gt = 1 }")
    assert compile_model(model, as_of=NOW, columns={})
