"""What the command line tells of feeds."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from connector.cli import app
from connector.errors import ConfigError
from connector.loading import load_parts
from connector.sandbox.server import Crm
from tests.feeds.drops import drop, fed, feed, score
from tests.loop.loops import Loop

ROWS = """Domain,Topic Name,Composite Score,Date
acme.example,CRM,80,2026-06-28
nobody.example,CRM,75,2026-06-28
acme.example,Payroll,12,2026-06-28
acme.example,Routing,much,2026-06-28
acme.example,Routing,81,28.6.26
"""


@pytest.fixture
def crm() -> Crm:
    """The commands know no vendor of CRMs; one is enough."""
    return "hubspot"


@pytest.fixture
def loop(fresh: Loop) -> Loop:
    """Give a loop with a feed of intent and a file of it."""
    feed(fresh, "bombora")
    drop(fresh, "bombora", ROWS)
    return fresh


def ask(loop: Loop, *words: str, code: int = 0) -> dict[str, Any]:
    """Run a command for its JSON."""
    answer = CliRunner().invoke(app, [*words, "--config", str(loop.config), "--json"])
    assert answer.exit_code == code, answer.output
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


def test_what_came_waits_or_was_refused_is_told(loop: Loop) -> None:
    score(loop)
    (row,) = ask(loop, "feeds", "list")["feeds"]
    assert row["newest_at"].startswith("2026-06-28")
    assert {name: row[name] for name in ("files", "rows", "events", "held", "rejects", "passed", "refused")} == {
        "files": 1, "rows": 5, "events": 1, "held": 1, "rejects": 1, "passed": 2, "refused": [],
    }  # fmt: skip
    assert ask(loop, "feeds", "held")["held"] == [{"feed": "bombora", "key": "nobody.example", "rows": 1}]
    (reject,) = ask(loop, "feeds", "rejects", "bombora")["rejects"]
    assert (reject["line"], reject["reason"]) == (6, "Date: 28.6.26 is no time (iso, %m/%d/%Y)")
    assert "Topic Name=Routing" in reject["text"]
    assert ask(loop, "status")["feeds"] == [row]
    shown = CliRunner().invoke(app, ["status", "--config", str(loop.config)]).stdout
    assert "feed bombora: 5 rows of 1 files, newest 2026-06-28T00:00:00+00:00, 1 held, 1 rejects" in shown


def test_a_trial_lands_nothing_and_tells_the_same(loop: Loop) -> None:
    score(loop)
    drop(loop, "bombora", ROWS + "acme.example,Forms,90,2026-06-28\n")
    before = fed(loop)
    (told,) = ask(loop, "feeds", "check")["files"]
    assert {name: told[name] for name in ("rows", "events", "unknown", "rejects", "passed", "problem")} == {
        "rows": 6, "events": 2, "unknown": 1, "rejects": 1, "passed": 2, "problem": None,
    }  # fmt: skip
    assert fed(loop) == before
    read = score(loop).fed
    assert (read["rows"], read["events"], read["held"], read["rejects"]) == (6, 2, 1, 1)


def test_a_file_that_is_refused_is_told_until_it_is_right(loop: Loop) -> None:
    drop(loop, "bombora", ROWS.replace("Composite Score", "Points"), "wrong.csv")
    (refused,) = [row for row in ask(loop, "feeds", "check", code=1)["files"] if row["problem"]]
    assert "no column 'Composite Score'" in refused["problem"]
    for _ in range(2):
        outcome = score(loop)
        assert (outcome.status, len(outcome.switched_off)) == ("completed_with_errors", 1)
        assert "wrong.csv: there is no column 'Composite Score'" in outcome.switched_off[0]
    assert [row["type"] for row in fed(loop)] == ["intent_surge"]
    assert ask(loop, "feeds", "list")["feeds"][0]["refused"][0]["file"] == "drop/bombora/wrong.csv"
    drop(loop, "bombora", ROWS, "wrong.csv")
    assert score(loop).switched_off == ()
    assert ask(loop, "feeds", "list")["feeds"][0]["refused"] == []


def test_a_file_of_which_too_much_is_wrong_changes_nothing(loop: Loop) -> None:
    score(loop)
    before = fed(loop)
    lines = [f"acme.example,Topic {number},80,someday" for number in range(20)]
    drop(loop, "bombora", ROWS + "\n".join(lines) + "\n")
    (problem,) = score(loop).switched_off
    assert "21 of 25 rows cannot be read, max_rejects_share is 0.1: line 6: Date: 28.6.26 is no time" in problem
    assert fed(loop) == before


def test_a_file_over_the_limit_is_not_opened(loop: Loop) -> None:
    huge = loop.folder / "drop" / "bombora" / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(10_000_000_000)  # declared, and not there: a sparse file
    (problem,) = score(loop).switched_off
    assert "huge.csv: has 10,000 MB, max_mb is 2,048; split the file, or raise max_mb of the feed" in problem


def test_a_feed_that_nobody_knows_is_named_with_the_nearest(loop: Loop) -> None:
    answer = CliRunner().invoke(app, ["feeds", "held", "bombara", "--config", str(loop.config)])
    assert isinstance(answer.exception, ConfigError)
    assert "no [[feed]] with id 'bombara', did you mean 'bombora'?" in answer.exception.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"use": "bombara"}, "there is no such feed, did you mean 'bombora'?"),
        ({"use": "mine.toml"}, "does not exist"),
        ({"id": "bom bora"}, "cannot name a variable"),
        ({"unknown": "create"}, "hold"),
        ({"max_mb": 0}, "max_mb"),
    ],
)
def test_a_wrong_feed_is_told_before_anything_runs(fresh: Loop, change: dict[str, Any], said: str) -> None:
    settings: dict[str, Any] = {"name": "bombora", **change}
    feed(fresh, str(settings.pop("id", settings.pop("name"))), **{k: v for k, v in settings.items() if k != "name"})
    with pytest.raises(ConfigError) as refused:
        load_parts(fresh.config)
    assert said in refused.value.message
