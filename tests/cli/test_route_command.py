"""`route`: why a record has its owner, a replay of the leads that came, and another table tried; nothing is written."""

from pathlib import Path

import pytest

from tests.cli.commands import Shell
from tests.loop.loops import CHIEF, Loop
from tests.loop.test_owner_rules import ANA, BEN, TERRITORIES, owners, user, with_routing

CHANGED = f"""
[[route]]
id = "all_to_ben"
to = {{ user = "{BEN}" }}
"""


def test_a_replay_shows_load_rules_and_whose_owner_would_differ(synced: Loop, shell: Shell, tmp_path: Path) -> None:
    loop = with_routing(synced, TERRITORIES)
    loop.retitle("p20", CHIEF)
    loop.sync()
    mark = loop.mark()
    told = shell.on(loop, "route", "--replay").json
    assert told["present"]["leads"] >= 1
    assert told["present"]["rules"] == [{"rule": "everybody_else", "records": told["present"]["leads"], "share": 1.0}]
    assert {row["owner"] for row in told["present"]["owners"]} == {user(loop, ANA)}
    other = tmp_path / "other.toml"
    other.write_text(CHANGED, encoding="utf-8")
    tried = shell.on(loop, "route", "--replay", "--routes", other).json
    assert {row["owner"] for row in tried["changed"]["owners"]} == {user(loop, BEN)}
    assert len(tried["differ"]) == tried["present"]["leads"]
    assert {(row["from"], row["to"]) for row in tried["differ"]} == {(user(loop, ANA), user(loop, BEN))}
    words = shell.run("route", "--replay", "-c", loop.config).out
    assert "everybody_else" in words
    assert "Nothing is written" in words
    assert loop.writes(mark) == []
    assert shell.on(loop, "plan").json["changes"] == 0  # no pool has moved on


def test_a_record_is_told_with_its_rules_and_decisions(synced: Loop, shell: Shell, tmp_path: Path) -> None:
    loop = with_routing(synced, TERRITORIES)
    loop.retitle("p20", CHIEF)
    loop.sync()
    person = loop.people()["p20"]["id"]
    told = shell.on(loop, "route", person).json
    assert told["owner"] == owners(loop, "p20")[0] == user(loop, ANA)
    assert [(row["rule"], row["fits"]) for row in told["rules"]] == [("germany", False), ("everybody_else", True)]
    assert (told["chosen_by_a_person"], told["would_go_to"]["owner"]) == (False, user(loop, ANA))
    assert [row["rule"] for row in told["decisions"]] == ["everybody_else"]
    other = tmp_path / "other.toml"
    other.write_text(CHANGED, encoding="utf-8")
    assert shell.on(loop, "route", person, "--routes", other).json["would_go_to"]["rule"] == "all_to_ben"
    reason = told["decisions"][0]["reason"]
    assert reason.startswith("rule everybody_else, pool sdr, ")
    assert reason in shell.run("route", person, "-c", loop.config).out
    assert shell.on(loop, "explain", person).json["owner"]["reason"] == reason
    assert reason in shell.run("explain", person, "-c", loop.config).out
    assert shell.on(loop, "status").json["routing"]["rules"] == {
        "everybody_else": 2
    }  # p20, and the lead that was Ben's
    zoe = loop.people()["p02"]["id"]
    assert shell.on(loop, "route", zoe).json["chosen_by_a_person"] is True


@pytest.mark.parametrize("crm", ["hubspot"])
def test_what_cannot_be_tried_is_told(synced: Loop, shell: Shell, tmp_path: Path) -> None:
    assert shell.run("route", "-c", synced.config).code == 2
    gone = shell.on(synced, "route", "nobody")
    assert (gone.code, "knows no such person" in gone.err) == (2, True)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[route]]\nid = "a"\nto = { pool = "sdrs" }\n[[route]]\nid = "b"\nto = "nowhere"\n', "utf-8")
    told = shell.on(synced, "route", "--replay", "--routes", wrong)
    assert (told.code, "wrong.toml: route[2].to: is not a table" in told.err) == (2, True)
    wrong.write_text('[[route]]\nid = "a"\nto = { pool = "sdrs" }\n', "utf-8")
    told = shell.on(synced, "route", "--replay", "--routes", wrong)
    assert "wrong.toml: route[1].to.pool: no [[pool]] with id 'sdrs', did you mean 'sdr'?" in " ".join(told.err.split())
