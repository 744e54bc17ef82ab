"""What feeds may bring: event types by a list, nothing that tells what somebody reads, no sensitive column unasked."""

import pytest

from connector.errors import ConfigError
from connector.loading import load_parts
from connector.sandbox.server import Crm
from tests.feeds.drops import csv_text, drop, fed, feed, score, table
from tests.loop.loops import MODEL, Loop

ROWS = [
    {"email": "p08@acme.example", "event": "used", "name": "Oncology page", "occurred_at": "2026-06-20", "count": 3},
    {"email": "p08@acme.example", "event": "invited", "name": "Oncology team", "occurred_at": "2026-06-21", "count": 1},
    {"email": "p09@acme.example", "event": "used", "name": "Oncology list", "occurred_at": "never", "count": 1},
]
BLOCK = """
extends = "product_usage"
id = ["email", "name"]
"""


@pytest.fixture
def crm() -> Crm:
    """The rules know no vendor of CRMs; one is enough."""
    return "hubspot"


@pytest.fixture
def loop(fresh: Loop) -> Loop:
    """Give a loop with a feed whose rows say what people look at, in their ids too."""
    (fresh.folder / "model.toml").write_text(MODEL, encoding="utf-8")
    (fresh.folder / "usage.toml").write_text(BLOCK, encoding="utf-8")
    feed(fresh, "usage", use="usage.toml")
    drop(fresh, "usage", ROWS)
    return fresh


def signals(loop: Loop, text: str) -> None:
    """Say what may be read."""
    before = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(f"{before}\n[signals]\n{text}\n", encoding="utf-8")


def test_only_types_that_are_allowed_are_landed(loop: Loop) -> None:
    signals(loop, 'allow = ["call", "invite"]')
    score(loop)
    assert [(row["type"], row["value"]) for row in fed(loop)] == [("invite", 1.0)]


def test_what_tells_what_somebody_reads_is_kept_nowhere(loop: Loop) -> None:
    signals(loop, 'profile = "hipaa"\nallow = ["call", "product_usage"]')
    score(loop)
    (row,) = fed(loop)
    assert (row["type"], row["value"]) == ("product_usage", 3.0)
    for name in ("events", "feed_rejects", "feed_rows", "held"):
        assert "Oncology" not in str(table(loop, name))
    assert len(table(loop, "feed_rejects")) == 1


def test_what_is_allowed_later_is_read_again(loop: Loop) -> None:
    signals(loop, 'allow = ["call"]')
    score(loop)
    assert fed(loop) == []
    text = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(text.replace('["call"]', '["call", "product_usage"]'), encoding="utf-8")
    score(loop)
    assert [row["type"] for row in fed(loop)] == ["product_usage"]


def test_a_column_that_speaks_of_health_needs_a_word(loop: Loop) -> None:
    (loop.folder / "usage.toml").write_text(BLOCK.replace('"name"', '"Diagnosis"'), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"feed\.usage: the column 'Diagnosis' speaks of health; name it in"):
        load_parts(loop.config)
    signals(loop, 'sensitive = ["Diagnosis"]')
    load_parts(loop.config)
    rows = [{**row, "Diagnosis": number} for number, row in enumerate(ROWS)]
    drop(loop, "usage", csv_text(list(rows)))
    assert score(loop).fed["events"] == 2
