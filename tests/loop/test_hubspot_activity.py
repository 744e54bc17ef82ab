"""What HubSpot keeps beside its records, from the sandbox through the adapter to a score."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.provisioning import provision
from connector.reading import open_reading
from tests.loop.loops import Loop, copy_of, make_template

MODEL = """
[model]
id = "activity"

[decay]
default = { half_life = "30d" }

[[engagement]]
id = "demo"
label = "asked for a demo"
event = "demo_request"
points = 40

[[engagement]]
id = "form"
label = "submitted a form"
event = "form_submission"
points = 5
cap = 20

[[band]]
id = "hot"
at_least = 30

[[band]]
id = "cold"
"""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template("hubspot", tmp_path_factory.mktemp("hubspot-activity"))


@pytest.fixture
def loop(template: Path, tmp_path: Path) -> Iterator[Loop]:
    with copy_of("hubspot", template, tmp_path / "loop") as loop:
        (loop.folder / "model.toml").write_text(MODEL, encoding="utf-8")
        provision(loop.config)
        yield loop


def events(loop: Loop, *types: str) -> list[dict[str, Any]]:
    """Read the events of some types out of the store, oldest first."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation("events")
        found = engine.execute(
            f"""SELECT * EXCLUDE (occurred_at), epoch_us(occurred_at) AS at_us FROM {relation}
                WHERE list_contains(?, type) ORDER BY at_us, event_id""",  # noqa: S608 - our own files
            [list(types)],
        )
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def score(loop: Loop, who: str) -> float:
    """Give the score that stands in the CRM."""
    return float(loop.people()[who]["fields"]["leadlight_score"] or 0)


def form(loop: Loop, name: str) -> str:
    """Make a form as a person does."""
    return str(loop.control("form", {"name": name})["id"])


def submit(loop: Loop, guid: str, email: str) -> None:
    """Submit a form as a visitor does, and let a minute pass."""
    loop.control("submission", {"form": guid, "email": email, "page_url": "https://acme.example/demo"})
    loop.advance(60)


def asked(loop: Loop, mark: int, path: str) -> int:
    """Count the requests to a path since a mark."""
    return sum(1 for row in loop.journal(mark) if path in row["path"])


def test_a_submitted_form_scores_the_contact(loop: Loop) -> None:
    demo, guide = form(loop, "Request a demo"), form(loop, "Buyer's guide")
    submit(loop, demo, "p09@acme.example")
    submit(loop, guide, "P10@acme.example")
    submit(loop, guide, "p10@acme.example")
    loop.sync()
    people = loop.people()
    assert [
        (row["type"], row["person_id"], row["asset"]) for row in events(loop, "demo_request", "form_submission")
    ] == [
        ("demo_request", people["p09"]["id"], "Request a demo"),
        ("form_submission", people["p10"]["id"], "Buyer's guide"),
        ("form_submission", people["p10"]["id"], "Buyer's guide"),
    ]
    assert (score(loop, "p09"), score(loop, "p10")) == (40, 10)


def test_a_form_without_news_costs_nothing_after_the_first_look(loop: Loop) -> None:
    guids = [form(loop, f"Form {number}") for number in range(120)]
    submit(loop, guids[3], "p09@acme.example")
    loop.advance(2 * 3600)
    loop.sync()
    mark = loop.mark()
    loop.sync()
    assert asked(loop, mark, "/form-integrations/") == 0
    assert asked(loop, mark, "/marketing/v3/forms") == 2
    submit(loop, guids[7], "p11@acme.example")
    mark = loop.mark()
    loop.sync()
    assert asked(loop, mark, "/form-integrations/") == 1
    assert score(loop, "p11") == 5
    loop.advance(25 * 3600)
    mark = loop.mark()
    loop.sync()
    assert asked(loop, mark, "/form-integrations/") == 120  # once a day each is looked at


def test_without_its_scope_forms_are_left_out_calmly(loop: Loop) -> None:
    form(loop, "Request a demo")
    every = loop.ask("POST", "/oauth/v2/private-apps/get/access-token-info", json={"tokenKey": loop.ready["token"]})
    loop.control("settings", {"granted_scopes": [one for one in every["scopes"] if one != "forms"]})
    assert loop.sync().status == "ok"
    assert events(loop, "demo_request") == []
