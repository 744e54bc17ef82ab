"""What the sandbox keeps beside records: field history, mails, deletions for good, and what an org may have."""

import pytest

from tests.sandbox.salesforce_org import NO_RULES, OrgInMemory

OWN = {"Id", "IsDeleted", "CreatedDate", "CreatedById", "LeadId", "Field", "DataType", "OldValue", "NewValue"}


def history(org: OrgInMemory, lead: str) -> list[tuple[object, ...]]:
    """List what the history of a lead tells, oldest first."""
    soql = f"SELECT Field, OldValue, NewValue FROM LeadHistory WHERE LeadId = '{lead}' ORDER BY Id"  # noqa: S608 - SOQL
    return [(row["Field"], row["OldValue"], row["NewValue"]) for row in org.query(soql)["records"]]


def test_tracked_fields_leave_history_and_others_none() -> None:
    org = OrgInMemory()
    lead = org.create("Lead", LastName="Lee", Company="Acme")
    for fields in ({"Status": "Working - Contacted", "Phone": "1"}, {"Status": "Working - Contacted"}):
        org.send("PATCH", f"/sobjects/Lead/{lead}", fields, headers=NO_RULES)
    assert history(org, lead) == [
        ("created", None, None),
        ("Status", "Open - Not Contacted", "Working - Contacted"),
    ]
    person = org.values("SELECT Id FROM User WHERE LastName = 'Person'")[0]
    org.app.edit("human", "Lead", lead, {"OwnerId": person})
    assert history(org, lead)[2:] == [
        ("Owner", "Leadlight Connector", "Pat Person"),
        ("Owner", org.credentials.user_id, person),
    ]


def test_history_has_no_modified_stamp_and_cannot_be_written() -> None:
    org = OrgInMemory()
    fields = {field["name"] for field in org.answer("GET", "/sobjects/LeadHistory/describe")["fields"]}
    assert fields == OWN
    lead = org.create("Lead", LastName="Lee", Company="Acme")
    assert org.send("POST", "/sobjects/LeadHistory/", {"LeadId": lead, "Field": "Status"}).status == 400


def test_numbers_in_history_stay_numbers() -> None:
    org = OrgInMemory()
    deal = org.create("Opportunity", Name="Deal", StageName="Prospecting", CloseDate="2026-07-31", Amount=10)
    org.send("PATCH", f"/sobjects/Opportunity/{deal}", {"Amount": 25.5})
    soql = "SELECT OldValue, NewValue FROM OpportunityFieldHistory WHERE Field = 'Amount'"
    (row,) = org.query(soql)["records"]
    assert (row["OldValue"], row["NewValue"]) == (10.0, 25.5)


def test_a_mail_has_a_task_and_both_sides() -> None:
    org = OrgInMemory()
    lead = org.create("Lead", LastName="Lee", Company="Acme", Email="lee@acme.example")
    made = org.app.controls()["mail"]({"person": lead, "subject": "Hi", "incoming": True})
    assert isinstance(made, dict)
    soql = "SELECT Activity.WhoId, Activity.TaskSubtype, Incoming FROM EmailMessage"
    (mail,) = org.query(soql)["records"]
    assert (mail["Activity"]["WhoId"], mail["Activity"]["TaskSubtype"], mail["Incoming"]) == (lead, "Email", True)
    sides = org.query("SELECT RelationType, RelationObjectType FROM EmailMessageRelation ORDER BY Id")["records"]
    assert [(row["RelationType"], row["RelationObjectType"]) for row in sides] == [
        ("FromAddress", "Lead"),
        ("ToAddress", "User"),
    ]
    with pytest.raises(KeyError):
        org.app.controls()["mail"]({"person": "005000000000000AAA"})


def test_what_is_purged_is_in_the_log_of_deletions_alone() -> None:
    org = OrgInMemory()
    lead = org.create("Lead", LastName="Lee", Company="Acme")
    task = org.create("Task", Subject="Call", WhoId=lead)
    assert org.app.controls()["purge"]({"object": "Lead", "id": lead}) == {"purged": [lead, task]}
    assert org.query("SELECT Id FROM Lead", "/queryAll")["records"] == []
    assert org.query("SELECT Id FROM Task", "/queryAll")["records"] == []
    now = org.clock.now()
    span = {"start": f"{now:%Y-%m-%d}T00:00:00+00:00", "end": f"{now:%Y-%m-%d}T23:59:00+00:00"}
    told = org.answer("GET", "/sobjects/Lead/deleted/", query=span)
    assert [row["id"] for row in told["deletedRecords"]] == [lead]


def test_features_are_there_once_they_are_switched_on() -> None:
    org = OrgInMemory()
    assert org.send("GET", "/sobjects/CurrencyType/describe").status == 404
    switch = org.app.controls()["org"]
    with pytest.raises(ValueError, match="corporate"):
        switch({"currencies": {"EUR": 0.9}})
    with pytest.raises(KeyError):
        switch({"record_types": {"Task": ["A"]}})
    account = org.create("Account", Name="Acme")
    switch({"currencies": {"USD": 1, "EUR": 0.9}, "record_types": {"Account": ["Business"]}, "person_accounts": True})
    found = org.query("SELECT CurrencyIsoCode, RecordType.DeveloperName, IsPersonAccount FROM Account")["records"]
    assert [(row["CurrencyIsoCode"], row["RecordType"]["DeveloperName"], row["IsPersonAccount"]) for row in found] == [
        ("USD", "Business", False)
    ]
    assert org.values("SELECT IsoCode FROM CurrencyType WHERE IsCorporate = false") == ["EUR"]
    made = org.app.controls()["person_account"]({"last_name": "Lee", "email": "lee@home.example"})
    assert isinstance(made, dict)
    assert org.values("SELECT IsPersonAccount FROM Contact") == [True]
    assert org.values("SELECT PersonEmail FROM Account WHERE IsPersonAccount = true") == ["lee@home.example"]
    assert org.values("SELECT Id FROM Account WHERE IsPersonAccount = false") == [account]
