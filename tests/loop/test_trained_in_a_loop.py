"""From the CRM's own past to a version that waits, to one that scores, and to the next that a bound lets in."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("interpret", reason="needs the train extra")
pytest.importorskip("sklearn", reason="needs the train extra")

from connector.provisioning import provision
from connector.sandbox.server import SandboxOptions, start
from tests.loop.loops import CHIEF, CLERK, DIRECTOR, Loop, configure, loop_of
from tests.loop.versions_world import PREDICTIVE, ask, states, write_model
from tests.training.crm_world import iso, write

END = datetime(2026, 6, 30, tzinfo=UTC)
RATES = {CHIEF: 0.6, DIRECTOR: 0.4, CLERK: 0.05}
ALLOW = ("--allow", "title", "--allow", "seniority")


def write_past(folder: Path) -> None:
    """Write people of sixteen months, of whom those with a say convert more often."""
    draw = random.Random(5)  # noqa: S311 - made-up data
    people, outcomes = [], []
    for place in range(600):
        who, created = f"p{place:04d}", END - timedelta(days=draw.uniform(0, 500))
        title = draw.choice([CHIEF, DIRECTOR, CLERK, CLERK])
        told = {"kind": "contact", "account_id": "a1", "title": title, "created_at": iso(created)}
        people.append({"person_id": who, "email": f"{who}@acme.example", **told})
        won_at = created + timedelta(days=draw.uniform(2, 20))
        if draw.random() < RATES[title] and won_at < END:
            outcomes.append({"kind": "opportunity_created", "occurred_at": iso(won_at), "person_id": who})
    folder.mkdir()
    write(folder / "people.csv", people)
    write(folder / "outcomes.csv", outcomes)
    write(folder / "accounts.csv", [{"account_id": "a1", "name": "Acme", "domain": "acme.example"}])


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    """Give a CRM with a past that was synced once by rules."""
    write_past(tmp_path / "world")
    with start(SandboxOptions("salesforce", world=str(tmp_path / "world"))) as sandbox:
        found = loop_of("salesforce", sandbox, tmp_path)
        configure(sandbox.ready, tmp_path)
        provision(found.config)
        found.sync()
        yield found


def test_what_was_trained_scores_only_when_somebody_says_so(loop: Loop) -> None:
    write_model(loop, PREDICTIVE)  # it names a file that is not there yet
    bound = "[train]\nauto_publish = { max_band_moves_share = 0.5 }\n"
    loop.config.write_text(f"{loop.config.read_text('utf-8')}\n{bound}", encoding="utf-8")
    mark = loop.mark()
    first = ask(loop, "train", *ALLOW)
    assert first["published"] is True
    assert first["considered"]["state"] == "candidate"
    assert "the first one is put in use by a person" in first["considered"]["waits_because"][0]
    assert not (loop.folder / "models").exists()
    told = ask(loop, "model", "card")
    assert told["artefact"]["card"]["holdout"]["auc_same_age"] == told["holdout"]["auc_same_age"] > 0.7
    assert {one["name"] for one in told["artefact"]["card"]["refused_features"]} >= {"kind", "opted_out"}

    seen = ask(loop, "model", "use", first["version"])
    assert {(way["from"], way["to"]) for way in seen["moved"]} == {("warm", "hot")}  # against the rules alone
    assert seen["plan"]["tasks"] == seen["changed"] > 0
    assert loop.writes(mark) == []
    ask(loop, "model", "use", first["version"], "--yes")
    loop.advance(60)
    assert loop.sync().as_dict()["plan"]["tasks"] == seen["plan"]["tasks"]
    assert states(loop) == {first["version"]: "in_use"}

    second = ask(loop, "train", *ALLOW, "--as-of", "2026-06-01")
    assert second["considered"]["state"] == "in_use"  # a few move at most, and it is no worse
    assert second["considered"]["moves_share"] <= 0.5
    loop.advance(60)
    assert any("auto_publish" in note for note in loop.sync().notes)
    assert states(loop) == {first["version"]: "retired", second["version"]: "in_use"}
