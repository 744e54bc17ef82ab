"""A CRM whose fields change under a mapping that fitted: what is gone is switched off and named, the rest goes on."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.doctor import examine
from connector.pipeline import Options, Outcome
from connector.reading import open_reading
from connector.status import status_of
from tests.loop.loops import CHIEF, CLERK, DIRECTOR, Loop

LIST = {"salesforce": "{name}/describe$", "hubspot": "/properties/{name}/?$"}
Definition = dict[str, Any]


def hide(loop: Loop, *fields: str) -> None:
    """Take the right to see fields of people away, or remove them; the CRM shows either in the same way."""
    names = [f"{name}.{field}" for name in loop.words.people for field in fields]
    loop.control("settings", {"hidden_fields": names})


def redefine(loop: Loop, name: str, change: Callable[[Definition], object]) -> None:
    """Let the CRM describe a field of people otherwise."""
    # describes of many objects in one call do not come, so that each is asked for alone
    refused = {"status": 400, "body": [{"message": "no", "errorCode": "NOT_ACCEPTABLE"}]}
    rules: list[dict[str, object]] = [{"match": {"method": "POST", "path_re": "/composite/?$"}, "act": refused}]
    for kind in loop.words.people:
        if loop.crm == "salesforce":
            told = loop.ask("GET", f"/services/data/v62.0/sobjects/{kind}/describe")
            fields = told["fields"]
        else:
            told = loop.ask("GET", f"/crm/v3/properties/{kind}")
            fields = told["results"]
        change(next(field for field in fields if field["name"] == name))
        rules.append({"match": {"method": "GET", "path_re": LIST[loop.crm].format(name=kind)}, "act": answer(told)})
    loop.control("faults", rules)


def answer(body: object) -> dict[str, object]:
    """Answer with this."""
    return {"status": 200, "body": json.dumps(body), "headers": {"Content-Type": "application/json"}}


def retyped(definition: Definition) -> None:
    definition["type"] = "date"


def read_only(definition: Definition) -> None:
    definition |= {"updateable": False, "modificationMetadata": {"readOnlyValue": True}}


def without_option(definition: Definition) -> None:
    """Make it a list to choose from that has no `hot`."""
    options = [{"label": word, "value": word, "active": True} for word in ("warm", "cold")]
    definition |= {"type": "picklist", "restrictedPicklist": True, "picklistValues": options}
    if "fieldType" in definition:
        definition |= {"type": "enumeration", "fieldType": "select", "options": options}


def named(outcome: Outcome, *words: str) -> bool:
    """Tell whether a run says that something with these words was switched off."""
    return any(all(word in line for word in words) for line in outcome.switched_off)


def values(loop: Loop, field: str) -> dict[str, object]:
    """Give a field of everybody."""
    return {who: person["fields"].get(field) for who, person in loop.people().items()}


@dataclass(frozen=True)
class At:
    """Let something happen as a stage begins."""

    stage: str
    act: Callable[[], object]

    def begin(self, name: str) -> None:
        """Hear that a stage begins."""
        if name == self.stage:
            self.act()

    def advance(self, n: int) -> None:
        """Go on."""


def sync_with(loop: Loop, at: At) -> Outcome:
    """Run a sync during which something happens."""
    with open_job(loop.config, writer=True, writes_crm=True, progress=at) as job:
        return pipeline.sync(job, Options())


@pytest.mark.fault("F20", "F21")
def test_a_field_of_ours_that_is_gone_is_switched_off_and_the_rest_is_written(synced: Loop) -> None:
    words = synced.words
    synced.retitle("p20", CHIEF)
    hide(synced, words.band)
    outcome = synced.sync()
    assert outcome.status == "completed_with_errors"
    assert named(outcome, words.band, "leadlight provision")
    person = synced.people()["p20"]
    assert float(person["fields"][words.score]) == 60
    assert len(synced.tasks_of(person["id"])) == 1
    assert person["fields"][words.band] == "cold"  # as it was: the CRM still holds what it hides
    assert synced.waiting() == []
    synced.advance(60)
    mark = synced.mark()
    assert synced.sync().switched_off == outcome.switched_off
    assert synced.writes(mark) == []


@pytest.mark.fault("F20", "F21")
def test_what_comes_back_is_written_again(synced: Loop) -> None:
    hide(synced, synced.words.band)
    synced.retitle("p20", CHIEF)
    synced.sync()
    synced.control("settings", {"hidden_fields": []})
    synced.advance(60)
    outcome = synced.sync()
    assert (outcome.status, outcome.switched_off) == ("ok", ())
    assert synced.people()["p20"]["fields"][synced.words.band] == "hot"


@pytest.mark.fault("F20")
@pytest.mark.parametrize("change", [retyped, read_only, without_option])
def test_a_field_that_takes_our_values_no_longer_is_switched_off(
    synced: Loop, change: Callable[[Definition], object]
) -> None:
    words = synced.words
    synced.retitle("p20", CHIEF)
    redefine(synced, words.band, change)
    mark = synced.mark()
    outcome = synced.sync()
    assert named(outcome, words.band)
    assert float(synced.people()["p20"]["fields"][words.score]) == 60
    assert values(synced, words.band)["p20"] == "cold"
    assert synced.waiting() == []
    synced.control("faults", method="DELETE")
    synced.advance(60)
    synced.sync()
    assert values(synced, words.band)["p20"] == "hot"
    assert len([row for row in synced.writes(mark) if row["op"] == "create"]) == 1


@pytest.mark.fault("F21")
def test_an_input_that_we_may_no_longer_read_is_unknown_and_not_zero(synced: Loop) -> None:
    hide(synced, synced.words.title)
    outcome = synced.sync()
    assert outcome.status == "completed_with_errors"
    assert named(outcome, synced.words.title, "grant read access")
    assert outcome.scored["people"] == 24
    with open_reading(synced.config) as reading, reading.engine() as engine:
        people = reading.lake.relation("people")
        known = engine.execute(f"SELECT count(*) FILTER (WHERE seniority IS NOT NULL) FROM {people}").fetchone()  # noqa: S608 - a file list of our own
    assert known == (0,)


@pytest.mark.fault("F20")
def test_an_input_of_another_type_is_switched_off(synced: Loop) -> None:
    redefine(synced, "HasOptedOutOfEmail" if synced.crm == "salesforce" else "hs_email_optout", retyped)
    synced.retitle("p05", CHIEF)
    outcome = synced.sync()
    assert named(outcome, "opted_out")
    assert values(synced, synced.words.band)["p05"] == "hot"


@pytest.mark.fault("F20")
def test_a_field_that_goes_while_we_write_is_left_out_and_the_rest_of_the_record_lands(synced: Loop) -> None:
    words = synced.words
    for who in ("p20", "p21", "p22"):
        synced.retitle(who, DIRECTOR)
    before = synced.control("stats")["writes"]
    outcome = sync_with(synced, At("apply", lambda: hide(synced, words.band)))
    assert outcome.applied is not None
    assert (outcome.applied.done, outcome.applied.rejected) == (3, 0)
    assert outcome.status == "completed_with_errors"
    assert named(outcome, f".{words.band} was not taken")
    assert {values(synced, words.score)[who] for who in ("p20", "p21", "p22")} & {45, "45"}
    assert synced.control("stats")["writes"] - before <= 4
    synced.control("settings", {"hidden_fields": []})
    synced.advance(60)
    synced.sync()
    assert {values(synced, words.band)[who] for who in ("p20", "p21", "p22")} == {"warm"}


@pytest.mark.fault("F20")
def test_a_field_that_goes_while_we_read_stops_its_object_alone(synced: Loop) -> None:
    synced.retitle("p00", CLERK)
    outcome = sync_with(synced, At(f"pull {synced.words.people[0]}", lambda: hide(synced, synced.words.title)))
    assert outcome.scored["people"] == 24
    if synced.crm == "salesforce":  # HubSpot leaves the property out of its answers and says nothing
        assert named(outcome, "Lead was not read", "INVALID_FIELD")
        assert values(synced, synced.words.band)["p00"] == "hot"
    synced.control("settings", {"hidden_fields": []})
    synced.advance(60)
    synced.retitle("p00", CLERK)
    synced.sync()
    assert values(synced, synced.words.band)["p00"] == "cold"


@pytest.mark.fault("F20", "F21")
def test_status_and_doctor_name_what_is_switched_off(synced: Loop) -> None:
    hide(synced, synced.words.band)
    synced.sync()
    with open_reading(synced.config) as reading:
        status = status_of(reading)
    assert any(synced.words.band in line for line in status["switched_off"])
    wrong = [check for check in examine(synced.config) if not check.ok]
    assert any(synced.words.band in check.detail and check.fix for check in wrong)


@pytest.mark.fault("F20", "F24")
def test_while_tasks_cannot_be_made_nobody_loses_the_one_that_is_due(synced: Loop) -> None:
    words = synced.words
    synced.control("settings", {"hidden_fields": [f"{words.task}.{words.key}"]})
    synced.retitle("p20", CHIEF)
    outcome = synced.sync()
    assert named(outcome, words.key)
    person = synced.people()["p20"]
    assert (person["fields"][words.band], synced.tasks_of(person["id"])) == ("hot", [])
    synced.control("settings", {"hidden_fields": []})
    synced.advance(60)
    synced.sync()
    assert len(synced.tasks_of(person["id"])) == 1


@pytest.mark.fault("F11", "F20")
@pytest.mark.parametrize("crm", ["hubspot"])
def test_an_object_that_is_withdrawn_is_left_out_and_its_scope_is_named(synced: Loop) -> None:
    synced.control("settings", {"hidden_fields": ["companies.*"]})
    synced.retitle("p20", CHIEF)
    outcome = synced.sync()
    assert named(outcome, "grant one of", "crm.objects.companies.read")
    assert synced.people()["p20"]["fields"][synced.words.band] == "hot"
