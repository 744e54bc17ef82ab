"""Doctor: rights that are missing and rights too many, how tasks are kept single, files, clock and calls."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.cli.commands import Ran, Shell
from tests.loop.loops import Loop

HUBSPOT = [
    *(f"crm.objects.{name}.{verb}" for name in ("contacts", "companies") for verb in ("read", "write")),
    *("crm.objects.deals.read", "crm.objects.owners.read", "business-intelligence", "forms"),
    *("crm.objects.leads.read", "crm.objects.marketing_events.read"),
]


def found(ran: Ran, name: str) -> list[dict[str, Any]]:
    return [check for check in ran.json["checks"] if check["name"] == name]


def told(ran: Ran, name: str) -> str:
    return "\n".join(check["detail"] for check in found(ran, name))


def grant(loop: Loop, **rights: object) -> None:
    """Change what the integration user may do, as an administrator does."""
    loop.control("permissions", {"actor": "human", **rights})


def scopes(loop: Loop, granted: Sequence[str]) -> None:
    loop.control("settings", {"granted_scopes": list(granted)})


@pytest.mark.parametrize("crm", ["salesforce"])
@pytest.mark.parametrize(
    ("rights", "said"),
    [
        ({"system": {"TransferAnyLead": False, "TransferAnyEntity": False}}, "Transfer Leads is missing"),
        ({"system": {"TransferAnyEntity": False}}, "Transfer Record is missing: Contact records"),
        ({"system": {"EditTask": False}}, "Edit Tasks is missing"),
        ({"objects": {"Account": {"Edit": False, "Delete": False}}}, "Edit on Account is missing"),
    ],
)
def test_a_right_that_is_missing_fails(fresh: Loop, shell: Shell, rights: dict[str, Any], said: str) -> None:
    grant(fresh, **rights)
    ran = shell.on(fresh, "doctor")
    assert ran.code == 2
    wrong = [check for check in found(ran, "rights") if not check["ok"]]
    assert said in "\n".join(check["detail"] for check in wrong)
    assert all(check["fix"] for check in wrong)


@pytest.mark.parametrize("crm", ["salesforce"])
def test_transfer_is_asked_for_where_owners_are_routed_alone(fresh: Loop, shell: Shell) -> None:
    grant(fresh, system={"TransferAnyLead": False, "TransferAnyEntity": False})
    text = fresh.config.read_text(encoding="utf-8")
    head, _, rest = text.partition("[[action]]")
    after = rest[rest.index("[schedule]") :] if "[schedule]" in rest else rest[rest.index("[limits]") :]
    fresh.config.write_text(head + after, encoding="utf-8")
    assert "Transfer" not in told(shell.on(fresh, "doctor"), "rights").replace("Transfer Record,", "")


@pytest.mark.parametrize("crm", ["salesforce"])
def test_rights_too_many_are_named_with_their_source_and_fail_nothing(fresh: Loop, shell: Shell) -> None:
    assert "Modify All Data" not in told(shell.on(fresh, "doctor"), "excess rights")
    grant(fresh, system={"ModifyAllData": True, "ViewAllData": True})
    ran = shell.on(fresh, "doctor")
    assert ran.code == 0
    excess = told(ran, "excess rights")
    for said in (
        "Modify All Data",
        "View All Data",
        "Customize Application",
        "Lead (Create, Delete",
        "fields that are not",
    ):
        assert said in excess
    assert excess.count("profile Leadlight Integration") >= 4
    assert all(check["ok"] and check["warning"] and check["fix"] for check in found(ran, "excess rights"))


@pytest.mark.parametrize("crm", ["salesforce"])
def test_an_administrators_profile_is_named(fresh: Loop, shell: Shell) -> None:
    (own,) = [row for row in fresh.records("Profile") if row["fields"]["Name"] == "Leadlight Integration"]
    name = {"Name": "System Administrator"}
    fresh.control("edit", {"actor": "human", "object": "Profile", "id": own["id"], "fields": name})
    assert "has the profile System Administrator" in told(shell.on(fresh, "doctor"), "excess rights")


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_field_that_may_not_be_read_or_written_is_named(fresh: Loop, shell: Shell) -> None:
    grant(fresh, fields={"Lead.Title": {"Read": False, "Edit": False}, "Lead.Leadlight_Band__c": {"Edit": False}})
    ran = shell.on(fresh, "doctor")
    assert ran.code == 2
    assert "Lead has no field Title that the connecting user may see" in told(ran, "mapping")
    assert "Lead.Leadlight_Band__c is not writable" in told(ran, "mapping")


@pytest.mark.parametrize("crm", ["hubspot"])
def test_a_scope_that_is_missing_fails_unless_its_table_is_optional(fresh: Loop, shell: Shell) -> None:
    scopes(fresh, [scope for scope in HUBSPOT if scope not in ("crm.objects.companies.write", "forms")])
    ran = shell.on(fresh, "doctor")
    assert ran.code == 2
    levels = {check["detail"].split()[1]: check["ok"] for check in found(ran, "rights")}
    assert levels == {"crm.objects.companies.write": False, "forms": True}


@pytest.mark.parametrize("crm", ["hubspot"])
def test_scopes_too_many_are_named_by_their_kind(fresh: Loop, shell: Shell) -> None:
    scopes(fresh, HUBSPOT)
    ran = shell.on(fresh, "doctor")
    assert told(ran, "excess rights").startswith("none")
    assert f"all {len(HUBSPOT)} scopes" in told(ran, "rights")
    more = ["crm.schemas.contacts.write", "crm.objects.contacts.sensitive.read", "sales-email-read", "tickets"]
    scopes(fresh, [*HUBSPOT, *more])
    ran = shell.on(fresh, "doctor")
    assert ran.code == 0
    excess = told(ran, "excess rights").splitlines()
    assert [line.rpartition(" ")[2] for line in excess] == [more[1], more[2], more[0], more[3]]
    assert all(check["warning"] for check in found(ran, "excess rights"))


def test_how_tasks_are_kept_single_is_told(fresh: Loop, shell: Shell) -> None:
    assert "unique key" in told(shell.on(fresh, "doctor"), "tasks")
    fresh.control("settings", {"hidden_fields": [f"{fresh.words.task}.{fresh.words.key}"]})
    (check,) = found(shell.on(fresh, "doctor"), "tasks")
    assert check["warning"]
    assert f"{fresh.words.task}.{fresh.words.key} does not exist" in check["detail"]


def test_a_store_that_others_may_read_is_wrong(synced: Loop, shell: Shell) -> None:
    assert "0600" in told(shell.on(synced, "doctor"), "store files")
    store = synced.folder / "leadlight-store"
    (store / "state.db").chmod(0o644)
    ran = shell.on(synced, "doctor")
    assert (ran.code, found(ran, "store files")[0]["warning"]) == (0, True)
    store.chmod(0o755)
    ran = shell.on(synced, "doctor")
    assert ran.code == 2
    assert "state.db (0644)" in told(ran, "store files")
    assert "chmod -R go=" in found(ran, "store files")[0]["fix"]


def test_clock_and_calls_are_told(synced: Loop, shell: Shell) -> None:
    ran = shell.on(synced, "doctor")
    (clock,), (calls,) = found(ran, "clock"), found(ran, "api calls")
    assert clock["warning"]
    assert "days behind this machine's" in clock["detail"]
    assert not calls["warning"]
    shares = re.findall(r"([\d,]+) of our share of ([\d,]+)", calls["detail"])[0]
    left, ours = (int(word.replace(",", "")) for word in shares)
    assert left < ours
    synced.control("settings", {"daily_quota": int((ours - left) * 1.05 / 0.3)})
    (calls,) = found(shell.on(synced, "doctor"), "api calls")
    assert calls["warning"]
    assert "daily_api_share" in calls["fix"]


def test_what_was_found_is_told_where_the_crm_stops_answering(fresh: Loop, shell: Shell) -> None:
    match = {"path_re": "/composite/?$" if fresh.crm == "salesforce" else "/owners"}
    fresh.control("faults", [{"match": match, "act": {"status": 403, "body": {"message": "no"}}}])
    ran = shell.on(fresh, "doctor")
    assert ran.code == 2
    assert found(ran, "store")[0]["ok"]
    assert ran.json["checks"][-1]["name"] == "crm"
    assert not ran.json["checks"][-1]["ok"]


def test_on_a_terminal_many_alike_are_told_in_few_lines(fresh: Loop, shell: Shell) -> None:
    names = [f"{name}.{word}" for name in fresh.words.people for word in (fresh.words.score, fresh.words.band)]
    names += [f"{name}.{word}" for name in fresh.words.people for word in (fresh.words.why, fresh.words.model)]
    names += [f"{fresh.words.people[0]}.{fresh.words.scored_at}"]
    fresh.control("settings", {"hidden_fields": names})
    ran = shell.run("doctor", "-c", fresh.config)
    assert ran.code == 2
    assert ran.out.count("wrong  fields") == 4
    assert f"and {len(names) - 3} more like these" in ran.out
    assert f"{len(names)} wrong" in ran.out
