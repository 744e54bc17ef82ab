"""What the command line says of several models: each by its own name, none mixed with another."""

from pathlib import Path

import pytest

from connector.compose import open_job
from connector.overview import overview
from tests.cli.commands import Shell, refused
from tests.loop.loops import CHIEF, DIRECTOR, MODEL, Loop
from tests.loop.test_product_lines import CUSTOMER, EXPANSION, expansion, with_lines


@pytest.fixture
def two(fresh: Loop) -> Loop:
    """Give a loop that was synced once with two models of people; p08 is a customer."""
    loop = with_lines(fresh)
    loop.retitle("p08", CUSTOMER)
    loop.sync(backfill=True)
    loop.advance(60)
    return loop


@pytest.mark.parametrize("crm", ["salesforce"])
def test_explain_tells_the_model_that_is_asked_for(two: Loop, shell: Shell) -> None:
    clerk, customer, chief = (two.people()[who]["id"] for who in ("p09", "p08", "p00"))
    told = shell.on(two, "explain", clerk).json
    assert (told["model"]["id"], told["models"]) == (
        "titles",
        [{"id": "expansion", "total": 30.0, "band": "steady"}],
    )
    other = shell.on(two, "explain", clerk, "--model", "expansion").json
    assert (other["model"]["id"], other["total"], other["previous_band"]) == ("expansion", 30.0, None)
    assert [one["id"] for one in other["models"]] == ["titles"]
    assert abs(sum(row["points"] for row in other["contributions"]) - other["total"]) < 1e-9
    assert shell.on(two, "explain", chief).json["models"] == []
    refused(shell.on(two, "explain", customer), 2, "outside the model's audience", "other models score it: --model exp")
    assert shell.on(two, "explain", customer, "--model", "expansion").json["band"] == "expand"
    refused(shell.on(two, "explain", clerk, "--model", "expantion"), 2, "titles, expansion", "did you mean 'expansion'")


@pytest.mark.parametrize("crm", ["hubspot"])
def test_status_and_runs_count_each_model_by_itself(two: Loop, shell: Shell) -> None:
    tables = shell.on(two, "status").json["tables"]
    assert (tables["scores"], tables["scores@expansion"]) == (23, 16)
    told = shell.on(two, "sync").json
    assert told["scored"] == {"people": 24, "accounts": 0}
    assert told["models"] == {"titles": 23, "expansion": 16}
    assert set(told["plan"].values()) == {0}


def test_the_page_shows_the_primary_model_alone(two: Loop) -> None:
    two.retitle("p00", CUSTOMER)
    two.sync()
    with open_job(two.config, writer=False) as job:
        seen = overview(job, {})
    assert seen.scored == 22
    assert {band.name for band in seen.bands} == {"hot", "warm", "cold"}
    assert {lead.task.split()[0] for lead in seen.leads if lead.task} == {"Call"}
    assert not {two.people()[who]["id"] for who in ("p00", "p08")} & {lead.record_id for lead in seen.leads}


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_plan_says_who_left_and_how_much_is_asked_of_each_record(two: Loop, shell: Shell, tmp_path: Path) -> None:
    two.retitle("p00", CUSTOMER)
    shell.on(two, "pull")
    path = tmp_path / "plan.json"
    made = shell.run("plan", "-c", two.config, "-o", path)
    person = two.people()["p00"]["id"]
    said = " ".join(made.out.split())  # whatever the width of the terminal
    assert said.count(person) == 1
    assert f"Lead {person} (steady, 10): Leadlight_Score__c: 60.0 -> None; Leadlight_Band__c: hot -> None;" in said
    assert "Leadlight_Expansion_Band__c: None -> steady" in said
    told = shell.on(two, "plan").json
    assert (told["fields"], told["owners"], told["tasks"]) == (1, 0, 0)
    applied = shell.on(two, "apply", path).json
    assert (applied["done"], applied["rejected"]) == (1, 0)
    assert expansion(two, "p00") == (10, "steady")


@pytest.mark.parametrize("crm", ["salesforce"])
def test_doctor_names_the_fields_of_a_further_model_that_are_missing(fresh: Loop, shell: Shell) -> None:
    with_lines(fresh, provisioned=False)
    ran = shell.on(fresh, "doctor")
    missing = [check["detail"] for check in ran.json["checks"] if check["name"] == "fields"]
    assert len(missing) == 16
    assert all("Leadlight_Expansion_" in detail and detail.startswith("model expansion.") for detail in missing)
    refused(shell.on(fresh, "sync"), 2, "Leadlight_Expansion_Score__c", "leadlight provision")


def test_two_models_are_compared_over_the_store_and_nothing_is_written(
    synced: Loop, shell: Shell, tmp_path: Path
) -> None:
    softer, before = tmp_path / "softer.toml", synced.folder / "model.toml"
    softer.write_text(MODEL.replace("at_least = 50", "at_least = 45"), encoding="utf-8")
    runs, requests = shell.on(synced, "runs", "list").json["runs"], synced.control("stats")["requests"]
    ran = shell.run("model", "diff", before, softer, "-c", synced.config, "--json")
    told = ran.json
    assert (ran.code, told["compared"], told["changed"]) == (0, 24, 3)
    assert told["moved"] == [{"from": "warm", "to": "hot", "n": 3}]
    assert {row["subject_id"] for row in told["subjects"]} == {synced.people()[w]["id"] for w in ("p05", "p06", "p07")}
    assert {row["why"] for row in told["subjects"]} == {"bands or audience"}
    assert told["as_of"].startswith("2026-07-01T12:")
    shown = shell.run("model", "diff", before, softer, "-c", synced.config).out
    assert "3 from warm to hot" in shown
    assert shell.on(synced, "runs", "list").json["runs"] == runs
    assert synced.control("stats")["requests"] == requests


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_comparison_starts_from_the_bands_that_people_are_in(synced: Loop, shell: Shell, tmp_path: Path) -> None:
    synced.retitle("p00", DIRECTOR)  # 45 points, and hot still
    synced.sync()
    strict, before = tmp_path / "strict.toml", synced.folder / "model.toml"
    strict.write_text(MODEL.replace("release_below = 40", "release_below = 46"), encoding="utf-8")
    synced.advance(60)
    told = shell.run("model", "diff", before, strict, "-c", synced.config, "--as-of", "2026-07-01T13:00:00Z", "--json")
    assert [(row["from"], row["to"]) for row in told.json["moved"]] == [("hot", "warm")]
    synced.retitle("p00", CHIEF)


@pytest.mark.parametrize("crm", ["hubspot"])
def test_what_cannot_be_compared_is_told(synced: Loop, shell: Shell, tmp_path: Path) -> None:
    model, accounts = synced.folder / "model.toml", tmp_path / "accounts.toml"
    accounts.write_text('[model]\nid = "a"\nsubject = "account"\n[rollup]\nmodel = "titles"\nkind = "max"\n', "utf-8")
    both = ("--data", tmp_path, "-c", synced.config)
    refused(shell.run("model", "diff", model, model), 2, "--data DIR or --config FILE")
    refused(shell.run("model", "diff", model, model, *both), 2, "--data DIR or --config FILE")
    refused(shell.run("model", "diff", model, accounts, "-c", synced.config), 2, "by person", "by account")
    # the model that is rolled up is in the configuration, not beside the file
    same = shell.run("model", "diff", accounts, accounts, "-c", synced.config, "--json")
    assert (same.code, same.json["changed"]) == (0, 0)


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_store_that_was_never_scored_is_no_ground_to_compare_on(fresh: Loop, shell: Shell) -> None:
    model = fresh.folder / "model.toml"
    (fresh.folder / "other.toml").write_text(EXPANSION, encoding="utf-8")
    ran = shell.run("model", "diff", model, fresh.folder / "other.toml", "-c", fresh.config)
    refused(ran, 2, "nothing was scored yet")
