"""Campaigns and their members, written by REST and by collections; from the vendor's object reference."""

from typing import Any

import pytest

from connector.sandbox.salesforce.org import INTEGRATION_USER
from tests.sandbox.salesforce_org import OrgInMemory

COLLECTION = "/composite/sobjects"


@pytest.fixture
def org() -> OrgInMemory:
    """Make an empty org."""
    return OrgInMemory()


def lead(org: OrgInMemory, name: str) -> str:
    """Make a lead."""
    return org.create("Lead", LastName=name, Company="C")


def member(**fields: str) -> dict[str, Any]:
    """Write one row of a collection."""
    return {"attributes": {"type": "CampaignMember"}, **fields}


def campaign_of(org: OrgInMemory, name: str, **fields: object) -> dict[str, Any]:
    """Make a campaign and read it."""
    own = org.create("Campaign", Name=name, **fields)
    read: dict[str, Any] = org.answer("GET", f"/sobjects/Campaign/{own}")
    return read


def test_a_campaign_begins_inactive_with_two_statuses(org: OrgInMemory) -> None:
    made = campaign_of(org, "Hot leads")
    assert (made["IsActive"], made["Status"], made["OwnerId"]) == (False, "Planned", INTEGRATION_USER)
    soql = "SELECT Label, IsDefault, HasResponded, Campaign.Name FROM CampaignMemberStatus ORDER BY SortOrder"
    rows = org.query(soql)["records"]
    assert [(row["Label"], row["IsDefault"], row["HasResponded"]) for row in rows] == [
        ("Sent", True, False),
        ("Responded", False, True),
    ]
    assert org.send("PATCH", f"/sobjects/Campaign/{made['Id']}", {"IsActive": True}).status == 204
    assert org.values("SELECT IsActive FROM Campaign") == [True]


def test_members_come_by_collections_and_once_each(org: OrgInMemory) -> None:
    own = campaign_of(org, "Hot leads", IsActive=True)["Id"]
    first, second = lead(org, "A"), lead(org, "B")
    contact = org.create("Contact", LastName="C")
    records = [
        member(CampaignId=own, LeadId=first),
        member(CampaignId=own, LeadId=first),
        member(CampaignId=own, ContactId=contact, Status="Responded"),
        member(CampaignId=own),
        member(LeadId=second),
    ]
    rows = org.answer("POST", COLLECTION, {"allOrNone": False, "records": records})
    refused = [row["errors"][0]["statusCode"] if row["errors"] else "" for row in rows]
    assert refused == ["", "DUPLICATE_VALUE", "", "REQUIRED_FIELD_MISSING", "REQUIRED_FIELD_MISSING"]
    assert rows[1]["errors"][0]["message"] == "Already a campaign member."
    (again,) = org.answer("POST", "/sobjects/CampaignMember", {"CampaignId": own, "ContactId": contact})
    assert again["errorCode"] == "DUPLICATE_VALUE"
    counted = org.query("SELECT NumberOfLeads, NumberOfContacts, NumberOfResponses FROM Campaign")["records"][0]
    assert (counted["NumberOfLeads"], counted["NumberOfContacts"], counted["NumberOfResponses"]) == (1, 1, 1)


def test_a_member_who_left_may_come_back(org: OrgInMemory) -> None:
    own, person = campaign_of(org, "Hot leads")["Id"], lead(org, "A")
    joined = org.create("CampaignMember", CampaignId=own, LeadId=person)
    assert org.send("DELETE", f"/sobjects/CampaignMember/{joined}").status == 204
    org.create("CampaignMember", CampaignId=own, LeadId=person)


def test_a_status_says_whether_the_member_responded(org: OrgInMemory) -> None:
    own, person = campaign_of(org, "Hot leads")["Id"], lead(org, "A")
    joined = org.create("CampaignMember", CampaignId=own, LeadId=person)
    soql = "SELECT Status, HasResponded, FirstRespondedDate FROM CampaignMember"

    def state() -> tuple[Any, ...]:
        (record,) = org.query(soql)["records"]
        return record["Status"], record["HasResponded"], record["FirstRespondedDate"]

    assert state() == ("Sent", False, None)
    org.send("PATCH", f"/sobjects/CampaignMember/{joined}", {"Status": "Nurtured"})
    assert state() == ("Nurtured", False, None)
    org.send("PATCH", f"/sobjects/CampaignMember/{joined}", {"Status": "Responded"})
    assert state() == ("Responded", True, "2026-07-01")
    org.clock.advance(2 * 86_400)
    org.send("PATCH", f"/sobjects/CampaignMember/{joined}", {"Status": "Sent"})
    assert state() == ("Sent", False, "2026-07-01")
    org.send("PATCH", f"/sobjects/CampaignMember/{joined}", {"Status": "Responded"})
    assert state() == ("Responded", True, "2026-07-01")


def test_a_member_keeps_its_campaign_and_person(org: OrgInMemory) -> None:
    own, person = campaign_of(org, "Hot leads")["Id"], lead(org, "A")
    joined = org.create("CampaignMember", CampaignId=own, LeadId=person)
    (error,) = org.answer("PATCH", f"/sobjects/CampaignMember/{joined}", {"LeadId": lead(org, "B")})
    assert error["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_campaigns_members_are_known_by_query(org: OrgInMemory) -> None:
    own, person = campaign_of(org, "Hot leads")["Id"], lead(org, "A")
    lead(org, "B")
    org.create("CampaignMember", CampaignId=own, LeadId=person)
    among = f"SELECT LeadId FROM CampaignMember WHERE CampaignId = '{own}'"  # noqa: S608 - SOQL
    assert org.values(f"SELECT Id FROM Lead WHERE Id IN ({among})") == [person]  # noqa: S608 - SOQL


def test_campaigns_of_an_older_file_get_their_statuses(org: OrgInMemory) -> None:
    own, person = campaign_of(org, "Webinar")["Id"], lead(org, "A")
    org.create("CampaignMember", CampaignId=own, LeadId=person, Status="Attended")
    org.storage.execute("DELETE FROM CampaignMemberStatus")
    assert org.values("SELECT HasResponded FROM CampaignMember") == [False]
    for _ in range(2):
        org.app = type(org.app)(org.storage, org.clock, org.switches, org.credentials)
    assert org.values("SELECT HasResponded FROM CampaignMember") == [True]
    assert org.query("SELECT Id FROM CampaignMemberStatus")["totalSize"] == 5
