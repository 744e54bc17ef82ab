"""`leadlight sql`: a statement that says what it is, for every dialect offered."""

from pathlib import Path

import pytest
import sqlglot

from connector.cli import DIALECTS
from scoring.compile import MACROS
from scoring.dialects import GENERATED, RUN
from tests.cli.commands import Shell, refused

HOSTILE = """
[model]
id = "m"
[[fit]]
id = "tier"
label = "gold */ DROP TABLE people; /* or -- \\n silver"
when = { field = "tier", is = "x" }
points = 5
[[fit]]
id = "recent"
when = { field = "account.renewed_at", newer_than = "30d" }
points = 1
[[engagement]]
id = "pricing"
event = "page_view"
where = { field = "url", matches = "^/pricing(?:/|$)" }
points = 7
"""


def test_help_names_the_dialects() -> None:
    assert f"{', '.join(RUN)} (run by tests); {', '.join(GENERATED)} (generated only)." == DIALECTS


@pytest.mark.parametrize("dialect", [*RUN, *GENERATED])
def test_a_statement_says_what_it_is(shell: Shell, tmp_path: Path, dialect: str) -> None:
    file = tmp_path / "m.toml"
    file.write_text(HOSTILE, encoding="utf-8")
    ran = shell.run("sql", "--model", file, "--dialect", dialect, "--as-of", "2026-07-01")
    assert ran.code == 0
    first = ran.out.splitlines()[0]
    assert first.startswith("-- model m@")
    assert first.endswith(f", as of 2026-07-01T00:00:00Z, {dialect}")
    assert ("-- generated and re-parsed, not run" in ran.out) == (dialect in GENERATED)
    assert "-- Expects the column accounts.renewed_at: datetime." in ran.out
    assert "-- Expects the column people.tier: text." in ran.out
    assert "/* rule tier: gold * / DROP TABLE people; / * or -- silver */" in ran.out
    assert "/* events of rule pricing */" in ran.out
    assert len(sqlglot.parse(ran.out, read=dialect)) == 4 + (len(MACROS) if dialect == "duckdb" else 0)


def test_an_unknown_dialect_is_refused(shell: Shell) -> None:
    refused(shell.run("sql", "--model", "preset:simple", "--dialect", "postgress"), 2, "did you mean 'postgres'?")
    refused(
        shell.run("sql", "--model", "preset:simple", "--dialect", "sqlite"), 2, "(there are duckdb, postgres, spark"
    )


def test_a_pattern_that_a_dialect_lacks_is_refused(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text(HOSTILE.replace("^/pricing(?:/|$)", "a{300}"), encoding="utf-8")
    refused(shell.run("sql", "--model", file, "--dialect", "postgres"), 2, "'{300}' repeats more than 255 times")
    assert shell.run("sql", "--model", file).code == 0
