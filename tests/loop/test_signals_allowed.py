"""What may be a signal: what is not allowed is not asked for, not kept, and leaves the store that held it."""

import json
from pathlib import Path
from typing import Any

import pytest

from connector.errors import ConfigError
from connector.loading import load_parts
from connector.reading import open_reading
from connector.sandbox.server import Crm
from tests.loop.loops import MODEL, Loop, copy_of, make_template, write_world

VISITS = """
[[engagement]]
id = "visits"
event = "page_view"
points = 4
"""
PRICING = VISITS.replace("points", 'where = { field = "url", contains = "pricing" }\npoints')


def write_visits(folder: Path) -> None:
    """Write the usual world; a visit beside the calls tells what somebody read."""
    write_world(folder)
    calls = (folder / "events.csv").read_text(encoding="utf-8").splitlines()
    rows = [f"{line},," for line in calls[1:]]
    rows.append(
        'v1,page_view,2026-06-30T11:00:00Z,p08,,Rare diseases,https://x.example/rare-diseases,"{""q"": ""hiv""}"'
    )
    text = "\n".join([calls[0] + ",url,props", *rows, ""])
    (folder / "events.csv").write_text(text, encoding="utf-8")


def events(loop: Loop) -> list[dict[str, Any]]:
    """List the events of the store, as they are kept."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        cursor = engine.execute(f"SELECT * EXCLUDE (occurred_at) FROM {reading.lake.relation('events')}")  # noqa: S608 - a file list
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def totals(loop: Loop) -> dict[str, float]:
    """Give everybody's total."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        rows = engine.execute(f"SELECT subject_id, total FROM {reading.lake.relation('scores')}").fetchall()  # noqa: S608 - a file list
    return dict(rows)


def configure_signals(loop: Loop, text: str) -> None:
    """Say in the configuration what may be a signal."""
    before = loop.config.read_text(encoding="utf-8").partition("\n[signals]")[0]
    loop.config.write_text(f"{before}\n[signals]\n{text}\n", encoding="utf-8")


@pytest.fixture
def visited(crm: Crm, tmp_path: Path) -> Any:  # noqa: ANN401 - a generator of loops
    """Give a loop whose world holds a visit."""
    with copy_of(crm, make_template(crm, tmp_path / "template", write_visits), tmp_path / "loop") as loop:
        (loop.folder / "model.toml").write_text(MODEL + VISITS, encoding="utf-8")
        yield loop


def test_a_list_that_comes_later_takes_out_what_was_kept(visited: Loop) -> None:
    visited.sync()
    who = visited.people()["p08"]["id"]
    assert {event["type"] for event in events(visited)} == {"call", "page_view"}
    before = totals(visited)[who]
    (visited.folder / "model.toml").write_text(MODEL, encoding="utf-8")
    configure_signals(visited, 'allow = ["call"]')
    visited.advance(60)
    visited.sync(allowed=("model_changed",))
    kept = events(visited)
    assert {event["type"] for event in kept} == {"call"}
    assert len(kept) == 8
    assert totals(visited)[who] < before - 3
    assert "diseases" not in json.dumps(kept)


def test_the_profile_for_health_asks_for_no_address_and_no_title(visited: Loop) -> None:
    visited.sync()
    assert "diseases" in json.dumps(events(visited))
    configure_signals(visited, 'profile = "hipaa"\nallow = ["call", "page_view"]')
    visited.advance(60)
    mark = visited.mark()
    visited.sync()
    kept = json.dumps(events(visited))
    assert len(events(visited)) == 9
    assert "diseases" not in kept
    assert "hiv" not in kept
    asked = json.dumps([row["path"] for row in visited.journal(mark)])
    assert "URL__c" not in asked
    assert "hs_url" not in asked
    assert "Props__c" not in asked


def test_rules_that_could_never_fire_are_refused(visited: Loop) -> None:
    configure_signals(visited, 'profile = "hipaa"\nallow = ["page_view"]')
    (visited.folder / "model.toml").write_text(MODEL + PRICING, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_parts(visited.config)
    assert list(refused.value.problems) == [
        "signals: model titles, rule call asks for the event 'call', which `allow` does not name",
        "signals: model titles, rule visits asks for 'url' of an event, which the profile hipaa leaves out",
    ]


def test_the_profile_needs_its_list(visited: Loop) -> None:
    configure_signals(visited, 'profile = "hipaa"')
    with pytest.raises(ConfigError, match="needs `allow`"):
        load_parts(visited.config)


def test_a_sensitive_field_needs_a_word(visited: Loop) -> None:
    name = visited.crm
    people = "Lead" if name == "salesforce" else "contacts"
    column = 'condition = { from = "Primary_Diagnosis__c", optional = true }'
    own = f'extends = "{name}"\n[read.{people}.fields]\n{column}\n'
    (visited.folder / "mine.toml").write_text(own, encoding="utf-8")
    config = visited.config.read_text(encoding="utf-8")
    visited.config.write_text(config.replace(f'mapping = "{name}"', 'mapping = "mine.toml"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="speaks of health; allow it by name"):
        load_parts(visited.config)
    configure_signals(visited, 'sensitive = ["Primary_Diagnosis__c"]')
    load_parts(visited.config)
