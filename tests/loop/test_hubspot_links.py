"""Links that come or go in HubSpot without anybody editing the record are seen all the same."""

import shutil
from collections.abc import Sequence

import pytest

from connector import census
from connector.reading import open_reading
from tests.loop.loops import Loop
from tests.loop.test_incremental_pull import add_call

CALLS = "/crm/v3/objects/calls"
pytestmark = pytest.mark.parametrize("crm", ["hubspot"], indirect=True)


def ids(loop: Loop, *names: str) -> list[str]:
    people = loop.people()
    return [people[name]["id"] for name in names]


def link(loop: Loop, ends: tuple[str, str], here: str, there: str, *, primary: bool = False) -> None:
    """Link two records as a person does; a primary company takes the place of the one before."""
    one = {"from": {"id": here}, "to": {"id": there}}
    if primary:
        kinds = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
        loop.ask(
            "POST", f"/crm/v4/associations/{ends[0]}/{ends[1]}/batch/create", json={"inputs": [one | {"types": kinds}]}
        )
        return
    loop.ask("POST", f"/crm/v4/associations/{ends[0]}/{ends[1]}/batch/associate/default", json={"inputs": [one]})


def unlink(loop: Loop, ends: tuple[str, str], here: str, there: str) -> None:
    inputs = [{"from": {"id": here}, "to": [{"id": there}]}]
    loop.ask("POST", f"/crm/v4/associations/{ends[0]}/{ends[1]}/batch/archive", json={"inputs": inputs})


def calls_of(loop: Loop, person: str) -> list[str]:
    found = loop.ask("GET", f"/crm/v4/objects/contacts/{person}/associations/calls")["results"]
    return [str(one["toObjectId"]) for one in found]


def edited_at(loop: Loop) -> dict[str, str]:
    """Tell when each contact was edited last."""
    found = loop.ask("GET", "/crm/v3/objects/contacts?limit=100&properties=lastmodifieddate")["results"]
    return {one["id"]: one["properties"]["lastmodifieddate"] for one in found}


def company(loop: Loop, name: str) -> str:
    body = {"properties": {"name": name, "domain": f"{name}.example"}}
    return str(loop.ask("POST", "/crm/v3/objects/companies", json=body)["id"])


def pull(loop: Loop) -> dict[str, int]:
    loop.advance(600)
    return dict(loop.sync().pulled)


def accounts(loop: Loop, people: Sequence[str]) -> list[str | None]:
    """Tell whose account each person is known to be of."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        rows = engine.execute(f"SELECT person_id, account_id FROM {reading.lake.relation('people')}").fetchall()  # noqa: S608 - a file list
    return [dict(rows)[one] for one in people]


def points(loop: Loop, *names: str) -> list[float]:
    people = loop.people()
    return [float(people[name]["fields"][loop.words.score]) for name in names]


def test_links_of_people_and_companies(fresh: Loop) -> None:
    fresh.sync()
    first, second, third = ids(fresh, "p03", "p09", "p10")
    big, small = company(fresh, "big"), company(fresh, "small")
    pull(fresh)
    pull(fresh)  # sees what the one before wrote
    stamps = edited_at(fresh)
    [own] = accounts(fresh, [first])
    link(fresh, ("contacts", "companies"), second, big)
    link(fresh, ("contacts", "companies"), third, big)
    link(fresh, ("contacts", "companies"), third, small, primary=True)
    link(fresh, ("contacts", "companies"), first, small)
    assert pull(fresh)["people"] == 2
    assert accounts(fresh, [first, second, third]) == [own, big, small]
    link(fresh, ("contacts", "companies"), first, small, primary=True)
    unlink(fresh, ("contacts", "companies"), second, big)
    assert pull(fresh)["people"] == 2
    assert accounts(fresh, [first, second, third]) == [small, None, small]
    assert stamps == edited_at(fresh)
    assert not any(pull(fresh).values())
    shutil.rmtree(fresh.folder / "leadlight-store")
    pull(fresh)
    assert accounts(fresh, [first, second, third]) == [small, None, small]  # a whole reading sees the same


def test_links_of_a_call_that_nobody_edits(fresh: Loop) -> None:
    fresh.sync()
    first, second = ids(fresh, "p15", "p16")
    add_call(fresh, first)
    alone = str(fresh.ask("POST", CALLS, json={"properties": {"hs_timestamp": fresh.control("clock")["now"]}})["id"])
    pull(fresh)
    pull(fresh)
    assert points(fresh, "p15", "p16", "p17") == [10, 0, 0]
    [call] = calls_of(fresh, first)
    link(fresh, ("calls", "contacts"), call, second)
    link(fresh, ("calls", "contacts"), alone, ids(fresh, "p17")[0])
    pull(fresh)
    assert points(fresh, "p15", "p16", "p17") == [10, 10, 10]
    unlink(fresh, ("calls", "contacts"), call, first)
    pull(fresh)
    assert points(fresh, "p15", "p16", "p17") == [0, 10, 10]
    pull(fresh)  # sees what the one before wrote
    assert not any(pull(fresh).values())


def test_links_of_many_are_found_by_and_by(fresh: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.sync()
    monkeypatch.setattr(census, "SLICE", 5)
    monkeypatch.setattr(census, "RECORDS", 2)
    everybody = [f"p{number:02d}" for number in range(8, 24)]
    before = dict(zip(everybody, points(fresh, *everybody), strict=True))
    called = ids(fresh, "p20", "p21", "p22")
    for _ in range(3):
        add_call(fresh, called[0])
    calls = calls_of(fresh, called[0])
    pull(fresh)
    for call in calls:
        unlink(fresh, ("calls", "contacts"), call, called[0])
        link(fresh, ("calls", "contacts"), call, called[1])
        link(fresh, ("calls", "contacts"), call, called[2])
    for _ in range(12):
        pull(fresh)
    after = dict(zip(everybody, points(fresh, *everybody), strict=True))
    assert {who for who in everybody if before[who] != after[who]} == {"p21", "p22"}
    assert not any(pull(fresh).values())


def test_links_that_were_read_by_a_run_that_died_are_read_again(fresh: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.sync()
    monkeypatch.setattr(census, "SLICE", 5)
    [person] = ids(fresh, "p17")
    big = company(fresh, "big")
    for _ in range(6):
        pull(fresh)
    link(fresh, ("contacts", "companies"), person, big)

    def dying(point: str) -> None:
        if point == "pull: files written" and told:
            raise KeyboardInterrupt
        told.extend([point] if point == "pull: a page" else [])

    told: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("connector.pull.crash_point", dying)
        pulls = (pull(fresh) for _ in range(8))
        with pytest.raises(KeyboardInterrupt):
            list(pulls)
    assert accounts(fresh, [person]) == [None]
    pull(fresh)  # the very next one, not the next round
    assert accounts(fresh, [person]) == [big]
