"""Bought intent: it reaches the account that it is about, and a score that says so."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from connector.cli import app
from tests.feeds.drops import AT, drop, fed, feed, score, table
from tests.loop.loops import Loop, add_model
from tests.loop.test_account_models import company_record

SURGE = """
[model]
id = "surging"
subject = "account"

[[engagement]]
id = "surge"
label = "surges on Bombora"
event = "intent_surge"
where = { field = "value", gte = 60 }
points = 15
cap = 45
third_party = true

[[band]]
id = "watch"
"""


def explain(loop: Loop, record: str, model: str) -> dict[str, Any]:
    """Explain a score as the command line does."""
    asked = ["explain", record, "--config", str(loop.config), "--model", model, "--as-of", AT.isoformat(), "--json"]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


@pytest.mark.signal("Bombora")
def test_topics_that_surge_reach_the_score_of_the_account(fresh: Loop) -> None:
    add_model(fresh.config, "surging.toml", SURGE)
    feed(fresh, "bombora")
    topics = {"CRM": 82, "Lead scoring": 61, "Payroll": 59}
    drop(fresh, "bombora", [
        {"Domain": "www.acme.example", "Topic Name": topic, "Composite Score": value, "Date": "2026-06-28"}
        for topic, value in topics.items()
    ])  # fmt: skip
    read = score(fresh)
    assert read.fed["events"] == 2
    acme = company_record(fresh)["id"]
    assert {(row["account_id"], row["asset"], row["value"]) for row in fed(fresh)} == {
        (acme, "CRM", 82.0), (acme, "Lead scoring", 61.0),
    }  # fmt: skip
    (scored,) = [row for row in table(fresh, "account_scores") if row["subject_id"] == acme]
    assert scored["total"] == 30
    told = explain(fresh, acme, "surging")
    assert [(row["rule_id"], row["events"], row["points"]) for row in told["contributions"]] == [("surge", 2, 30.0)]
