"""A trained model takes another's place when somebody says so, after seeing whom it moves, and can be taken back."""

import os
import subprocess
import sys

import pytest

from connector.crash import ARMED, KILLED
from connector.errors import ConfigError, StoreError, UnsafePlan
from connector.reading import open_reading
from connector.trained.consider import consider
from scoring.predict.artefact import TableModel
from tests.loop.loops import Loop, written_state
from tests.loop.versions_world import (
    HOLDOUT,
    NEW,
    OLD,
    PREDICTIVE,
    ask,
    in_file,
    keep,
    score_by,
    states,
    trained,
    write_model,
)  # fmt: skip

USE = ("model", "use")
CLERKS = 16


@pytest.mark.parametrize("crm", ["hubspot"], indirect=True)
def test_a_version_is_seen_accepted_and_taken_back(fresh: Loop) -> None:
    score_by(fresh, OLD)
    first = fresh.sync()
    assert any(OLD.version in note for note in first.notes)
    before, mark = written_state(fresh), fresh.mark()
    hash_before = fresh.people()["p00"]["fields"][fresh.words.model]
    keep(fresh, NEW)
    [standing] = ask(fresh, "status")["trained"]
    assert (standing["version"], standing["candidate"]["version"]) == (OLD.version, NEW.version)
    assert standing["holdout"]["auc_same_age"] == 0.7

    fresh.advance(60)  # what was scored in this very second is not what people saw before it
    seen = ask(fresh, *USE, NEW.version[:6])
    assert (seen["compared"], seen["changed"]) == (24, CLERKS + 3)
    assert {(way["from"], way["to"], way["n"]) for way in seen["moved"]} == {("warm", "cold", 16), ("hot", "warm", 3)}
    assert seen["plan"]["fields"] == 24
    assert seen["changed_share"] == pytest.approx(19 / 24)
    assert seen["in_use"] is False
    assert in_file(fresh) == OLD.version
    fresh.advance(60)
    fresh.sync()
    assert fresh.writes(mark) == []

    assert ask(fresh, *USE, NEW.version, "--yes")["in_use"] is True
    fresh.advance(60)
    noted = fresh.sync()  # neither the changed model nor the moved bands are asked about again
    assert any("19 of 24 move band" in note for note in noted.notes)
    people = fresh.people()
    assert people["p05"]["fields"][fresh.words.band] == "warm"
    assert people["p05"]["fields"][fresh.words.model] != hash_before
    told = ask(fresh, "explain", people["p05"]["id"])
    assert told["trained"]["version"] == NEW.version
    assert "by model use" in told["trained"]["words"]
    assert states(fresh) == {OLD.version: "retired", NEW.version: "in_use"}

    assert ask(fresh, *USE, "previous", "--yes")["plan"]["tasks"] == 3  # they are hot again
    fresh.advance(60)
    assert fresh.sync().status == "ok"
    assert written_state(fresh) | {"tasks": []} == before
    assert len(fresh.tasks()) == 3
    assert states(fresh) == {OLD.version: "in_use", NEW.version: "retired"}

    (fresh.folder / "models" / "table.json").write_text(NEW.as_json(), encoding="utf-8")  # by hand: nobody was asked
    fresh.advance(60)
    with pytest.raises(UnsafePlan, match="--accept-model"):
        fresh.sync()


@pytest.mark.parametrize("crm", ["salesforce"], indirect=True)
def test_a_switch_that_died_half_way_is_whole_in_the_end(fresh: Loop) -> None:
    score_by(fresh, OLD)
    fresh.sync()
    keep(fresh, NEW)
    command = [sys.executable, "-m", "connector", *USE, NEW.version, "--yes", "--config", str(fresh.config)]
    died = {**os.environ, ARMED: "switch: file replaced:1"}
    ended = subprocess.run(command, env=died, capture_output=True, check=False)
    assert ended.returncode == KILLED, ended.stderr
    assert in_file(fresh) == NEW.version
    assert states(fresh) == {OLD.version: "in_use", NEW.version: "candidate"}
    fresh.advance(60)
    told = ask(fresh, *USE, NEW.version)  # whom it moves is told against the one before, though the file has it
    assert (told["changed"], told["in_use"]) == (CLERKS + 3, False)
    assert fresh.sync().status == "ok"
    assert states(fresh) == {OLD.version: "retired", NEW.version: "in_use"}
    assert ask(fresh, "status")["trained"][0]["in_use_by"] == "model use"


def bound(loop: Loop, share: float) -> None:
    """Let versions take their place within a bound."""
    text = loop.config.read_text("utf-8").partition("[train]")[0]
    loop.config.write_text(f"{text}\n[train]\nauto_publish = {{ max_band_moves_share = {share} }}\n", encoding="utf-8")


@pytest.mark.parametrize("crm", ["hubspot"], indirect=True)
def test_a_version_takes_its_place_by_itself_within_the_bound_alone(fresh: Loop) -> None:
    score_by(fresh, OLD)
    fresh.sync()

    def considered(table: TableModel, share: float) -> tuple[str, str]:
        bound(fresh, share)
        with open_reading(fresh.config, None) as reading:
            found = consider(fresh.config, reading, "titles", table)
        return found.state, "; ".join(found.why)

    state, why = considered(NEW, 0.5)
    assert state == "candidate"
    assert "79.2% of 24 would move band" in why
    assert ask(fresh, "status")["trained"][0]["waits_because"] == [why]
    weak = trained(0.0, 1.0, 0.2, -1.1, card={"holdout": HOLDOUT | {"auc_same_age": 0.6}})
    state, why = considered(weak, 1.0)
    assert "holdout AUC among leads as old is 0.600, that of the version in use was 0.700" in why
    same = trained(0.0, 1.0, 0.2, -1.1)
    write_model(fresh, PREDICTIVE.replace("max = 100", "max = 101"))
    state, why = considered(same, 1.0)
    assert "a person has to accept that first" in why
    assert in_file(fresh) == OLD.version
    write_model(fresh, PREDICTIVE)
    assert considered(same, 0.1) == ("in_use", "")
    assert in_file(fresh) == same.version
    fresh.advance(60)
    told = fresh.sync()
    assert any("auto_publish: 0.0% of 24 move band" in note for note in told.notes)
    [standing] = ask(fresh, "status")["trained"]
    assert (standing["version"], standing["in_use_by"]) == (same.version, "auto_publish")


@pytest.mark.parametrize("crm", ["salesforce"], indirect=True)
def test_what_cannot_be_used_says_why_and_changes_nothing(fresh: Loop) -> None:
    score_by(fresh, OLD)
    fresh.sync()
    keep(fresh, NEW)
    with pytest.raises(ConfigError, match="no version was in use before"):
        ask(fresh, *USE, "previous")
    with pytest.raises(ConfigError, match=f"version abc is not kept .*{NEW.version}"):
        ask(fresh, *USE, "abc")
    with pytest.raises(ConfigError, match="--model title: this configuration has titles, did you mean 'titles'"):
        ask(fresh, *USE, NEW.version, "--model", "title")
    fresh.fault("GET", "/", "before_commit", nth=list(range(1, 40)), status=503)
    alone = ask(fresh, *USE, NEW.version)
    assert (alone["changed"], alone["plan"]) == (CLERKS + 3, None)
    assert "the CRM could not be asked" in alone["not_asked"]
    fresh.control("faults", method="DELETE")
    write_model(fresh, PREDICTIVE.replace("predictive", "blend"))
    keep(fresh, blendless := trained(0.0, 1.0, 0.2, -1.1, rules=None))
    with pytest.raises(ConfigError, match="has no alpha and beta"):
        ask(fresh, *USE, blendless.version)
    write_model(fresh, PREDICTIVE)
    path = fresh.folder / "models" / "table.json"
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match=r"cannot be replaced .*leadlight model export"):
        ask(fresh, *USE, NEW.version, "--yes")
    path.rmdir()
    ask(fresh, "model", "export", NEW.version, "-o", str(path))
    assert in_file(fresh) == NEW.version
