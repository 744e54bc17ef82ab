"""Duplicate rules, met with plain HTTP; from the vendor's documentation."""

import json
from typing import Any

import pytest

from connector.sandbox.control import ControlError, setting
from tests.sandbox.salesforce_org import NO_RULES, OrgInMemory

LEAD = {"LastName": "L", "Company": "C", "Email": "l@c.example"}
SAVE = {**NO_RULES, "sforce-duplicate-rule-header": "allowSave=true; includeRecordDetails=true"}
ALERT = {"object": "Lead", "match": ["Email"], "action": "Allow"}


@pytest.fixture
def org() -> OrgInMemory:
    """Make an org with one lead."""
    made = OrgInMemory()
    made.create("Lead", **LEAD)
    return made


def use(org: OrgInMemory, **rule: Any) -> None:  # noqa: ANN401 - any part of a rule
    """Set one rule."""
    org.switches.duplicate_rules = setting("duplicate_rules", {"Same_Mail": {**ALERT, **rule}})


def test_a_duplicate_names_what_it_matches(org: OrgInMemory) -> None:
    use(org)
    (first,) = org.values("SELECT Id FROM Lead")
    refused = org.send("POST", "/sobjects/Lead", LEAD, headers=NO_RULES)
    (error,) = json.loads(refused.body)
    assert (refused.status, error["errorCode"]) == (400, "DUPLICATES_DETECTED")
    result = error["duplicateResult"]
    assert (result["allowSave"], result["duplicateRule"]) == (True, "Same_Mail")
    (match,) = result["matchResults"]
    assert [row["record"]["Id"] for row in match["matchRecords"]] == [first]
    assert set(match["matchRecords"][0]["record"]) == {"attributes", "Id"}


def test_an_alert_may_be_passed(org: OrgInMemory) -> None:
    use(org)
    assert org.send("POST", "/sobjects/Lead", LEAD, headers=SAVE).status == 201
    old = org.send("POST", "/services/data/v51.0/sobjects/Lead", LEAD, headers=SAVE)
    assert old.status == 400


def test_a_block_stays(org: OrgInMemory) -> None:
    use(org, action="Block")
    (error,) = org.answer("POST", "/sobjects/Lead", LEAD, headers=SAVE)
    assert error["duplicateResult"]["allowSave"] is False
    shown = error["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]
    assert shown["Company"] == "C"


def test_given_records_fail_on_update_row_by_row(org: OrgInMemory) -> None:
    (own,) = org.values("SELECT Id FROM Lead")
    other = org.create("Lead", LastName="M", Company="C")
    use(org, ids=[own[:15]], match=[], operations=["update"])
    records = [{"attributes": {"type": "Lead"}, "id": row, "Title": "T"} for row in (own, other)]
    rows = org.answer("PATCH", "/composite/sobjects", {"records": records}, headers=NO_RULES)
    assert [row["success"] for row in rows] == [False, True]
    assert rows[0]["errors"][0]["statusCode"] == "DUPLICATES_DETECTED"
    passed = org.answer("PATCH", "/composite/sobjects", {"records": records}, headers=SAVE)
    assert [row["success"] for row in passed] == [True, True]


def test_leads_may_match_contacts(org: OrgInMemory) -> None:
    org.create("Contact", LastName="L", Email="L@C.example")
    use(org, against="Contact", action="Block")
    (error,) = org.answer("POST", "/sobjects/Lead", LEAD, headers=NO_RULES)
    assert error["duplicateResult"]["matchResults"][0]["entityType"] == "Contact"
    assert org.send("POST", "/sobjects/Lead", {**LEAD, "Email": None}, headers=NO_RULES).status == 201


def test_mistaken_rules_are_refused_whole() -> None:
    with pytest.raises(ControlError) as error:
        setting("duplicate_rules", {"A": 1, "B": {"object": "Lead", "match": "Email", "action": "x", "y": 1}})
    assert len(error.value.problems) == 4
