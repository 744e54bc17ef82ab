"""Links that come or go in HubSpot without anybody editing the record are seen all the same."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from connector import census
from connector.reading import open_reading
from tests.loop.loops import Loop, copy_of, make_template
from tests.loop.test_incremental_pull import add_call

CALLS = "/crm/v3/objects/calls"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template("hubspot", tmp_path_factory.mktemp("hubspot-links"))


@pytest.fixture
def loop(template: Path, tmp_path: Path) -> Iterator[Loop]:
    with copy_of("hubspot", template, tmp_path / "loop") as loop:
        yield loop


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


def test_links_of_people_and_companies(loop: Loop) -> None:
    loop.sync()
    first, second, third = ids(loop, "p03", "p09", "p10")
    big, small = company(loop, "big"), company(loop, "small")
    pull(loop)
    pull(loop)  # sees what the one before wrote
    stamps = edited_at(loop)
    [own] = accounts(loop, [first])
    link(loop, ("contacts", "companies"), second, big)
    link(loop, ("contacts", "companies"), third, big)
    link(loop, ("contacts", "companies"), third, small, primary=True)
    link(loop, ("contacts", "companies"), first, small)
    assert pull(loop)["people"] == 2
    assert accounts(loop, [first, second, third]) == [own, big, small]
    link(loop, ("contacts", "companies"), first, small, primary=True)
    unlink(loop, ("contacts", "companies"), second, big)
    assert pull(loop)["people"] == 2
    assert accounts(loop, [first, second, third]) == [small, None, small]
    assert stamps == edited_at(loop)
    assert not any(pull(loop).values())
    shutil.rmtree(loop.folder / "leadlight-store")
    pull(loop)
    assert accounts(loop, [first, second, third]) == [small, None, small]  # a whole reading sees the same


def test_links_of_a_call_that_nobody_edits(loop: Loop) -> None:
    loop.sync()
    first, second = ids(loop, "p15", "p16")
    add_call(loop, first)
    alone = str(loop.ask("POST", CALLS, json={"properties": {"hs_timestamp": loop.control("clock")["now"]}})["id"])
    pull(loop)
    pull(loop)
    assert points(loop, "p15", "p16", "p17") == [10, 0, 0]
    [call] = calls_of(loop, first)
    link(loop, ("calls", "contacts"), call, second)
    link(loop, ("calls", "contacts"), alone, ids(loop, "p17")[0])
    pull(loop)
    assert points(loop, "p15", "p16", "p17") == [10, 10, 10]
    unlink(loop, ("calls", "contacts"), call, first)
    pull(loop)
    assert points(loop, "p15", "p16", "p17") == [0, 10, 10]
    pull(loop)  # sees what the one before wrote
    assert not any(pull(loop).values())


def test_links_of_many_are_found_by_and_by(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.sync()
    monkeypatch.setattr(census, "SLICE", 5)
    monkeypatch.setattr(census, "RECORDS", 2)
    everybody = [f"p{number:02d}" for number in range(8, 24)]
    before = dict(zip(everybody, points(loop, *everybody), strict=True))
    called = ids(loop, "p20", "p21", "p22")
    for _ in range(3):
        add_call(loop, called[0])
    calls = calls_of(loop, called[0])
    pull(loop)
    for call in calls:
        unlink(loop, ("calls", "contacts"), call, called[0])
        link(loop, ("calls", "contacts"), call, called[1])
        link(loop, ("calls", "contacts"), call, called[2])
    for _ in range(12):
        pull(loop)
    after = dict(zip(everybody, points(loop, *everybody), strict=True))
    assert {who for who in everybody if before[who] != after[who]} == {"p21", "p22"}
    assert not any(pull(loop).values())
