"""A trained model is part of the statement in every dialect, and PostgreSQL computes with it what DuckDB does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
import sqlglot
from sqlglot import exp

from scoring.assumed import assumed_columns
from scoring.compile import compile_model
from scoring.dialects import GENERATED, RUN
from scoring.model import Model, load_model
from scoring.predict.artefact import TableModel, versioned
from tests.dialects.cases import Case
from tests.dialects.comparing import Tally, compare
from tests.dialects.postgres_server import Server, binaries, server
from tests.predict.random_tables import FEATURES, random_table, with_table
from tests.predict.trained import raw_model
from tests.scoring.models import random_model
from tests.scoring.oracle_values import once
from tests.scoring.running import as_table
from tests.scoring.worlds import AS_OF, LISTS, random_world

NOW = datetime(2026, 7, 1, tzinfo=UTC)
PROGRAMS = binaries()
KINDS = ("predictive", "blend", "rank")


def loaded(folder: Path, kind: str) -> Model:
    count = {"id": "days", "label": "active", "kind": "active_days", "event": ["call"], "within_days": 9}
    faded = {"id": "recent", "label": "activity", "kind": "decayed", "where": {"field": "props.n", "gte": 1.0}}
    newest = {"id": "newest", "label": "last call", "kind": "recency_days", "event": "call"}
    age = {"id": "age", "label": "known for", "kind": "tenure_days", "field": "met_at"}
    terms = [*raw_model()["terms"]]
    terms += [{"feature": one, "cuts": [0.5], "bins": [{"log_odds": 0.25}] * 3} for one in (count, faded, newest, age)]
    table = versioned(TableModel.model_validate_json(json.dumps({**raw_model(), "terms": terms})))
    (folder / "t.json").write_text(table.as_json(), encoding="utf-8")
    text = f'[model]\nid = "m"\nscale = {{ min = 0, max = 100 }}\n[combine]\nkind = "{kind}"\nmodel = "t.json"\n'
    override = '[[override]]\nid = "vip"\nat_least = 50\nwhen = { field = "title", is = "ceo" }\n'
    (folder / "m.toml").write_text(text + override, encoding="utf-8")
    return load_model(folder / "m.toml")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dialect", [*RUN, *GENERATED])
def test_a_trained_model_is_generated_and_parses_again(tmp_path: Path, dialect: str, kind: str) -> None:
    model = loaded(tmp_path, kind)
    columns = assumed_columns([model])
    assert columns["people"]["met_at"] == "datetime"
    statement = compile_model(model, as_of=NOW, columns=columns, dialect=dialect)
    terms = [statement.terms] if statement.terms else []
    assert bool(terms) == (kind == "rank")
    for text in (*statement.prepare, statement.scores, statement.contributions, *terms):
        (tree,) = sqlglot.parse(text, read=dialect)
        assert tree is not None
        assert tree.find(exp.Command) is None, f"{dialect} does not read what was written"
    assert "probability" in statement.scores


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    assert PROGRAMS is not None
    with server(PROGRAMS, "--locale=C.UTF-8") as running:
        yield running


@pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL server here (Debian: postgresql)")
@pytest.mark.parametrize("seed", range(4))
def test_postgres_gives_what_duckdb_gives(postgres: Server, tmp_path: Path, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a repeatable draw is wanted
    (tmp_path / "table.json").write_text(random_table(random, FEATURES).as_json(), encoding="utf-8")
    (tmp_path / "model.toml").write_text(with_table(random, random_model(random, 4)), encoding="utf-8")
    model = load_model(tmp_path / "model.toml", {name: frozenset(entries) for name, entries in LISTS.items()})
    people, accounts, events = random_world(random, 18)
    facts = {"people": people, "accounts": accounts, "events": once(events)}
    tables = {name: as_table(name, rows) for name, rows in facts.items()}
    tally = Tally()
    compare(Case(f"seed {seed}", model, None, AS_OF, tables), "postgres", postgres.run, tally)
    assert tally.scores
    assert not tally.problems, "\n".join(tally.problems[:20])
