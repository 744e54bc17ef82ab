"""Events beside another of the same row, events that replace one, and what stands beside the facts."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from mappings.loader import load_mapping
from mappings.model import Mapping
from mappings.read import to_canonical
from mappings.wanted import fields_to_read

SENT, OPENED = datetime(2026, 6, 30, 12, tzinfo=UTC), datetime(2026, 6, 30, 13, tzinfo=UTC)
MAIL = {
    "Id": "02s1",
    "Status": "3",
    "Activity.WhoId": "00Q1",
    "Activity.AccountId": None,
    "ActivityId": "00T1",
    "MessageDate": SENT,
    "CreatedDate": SENT,
    "Incoming": False,
    "Subject": "Our offer",
    "FirstOpenedDate": OPENED,
    "IsBounced": False,
}


@pytest.fixture(scope="module")
def salesforce() -> Mapping:
    return load_mapping("salesforce")


def events(mapping: Mapping, **changes: object) -> list[dict[str, object]]:
    rows = to_canonical(mapping, "EmailMessage", pa.Table.from_pylist([MAIL | changes]))["events"]
    return sorted(rows.to_pylist(), key=lambda row: str(row["event_id"]))


def told(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in ("event_id", "type", "occurred_at", "asset", "replaces")) for row in rows]


def test_a_mail_is_sent_once_and_opened_beside_that(salesforce: Mapping) -> None:
    assert told(events(salesforce)) == [
        ("02s1", "email_sent", SENT, "Our offer", "00T1"),
        ("02s1:email_open", "email_open", OPENED, "Our offer", None),
    ]


def test_what_the_other_side_wrote_is_an_answer_without_its_subject(salesforce: Mapping) -> None:
    answer = {"Incoming": True, "Status": "1", "FirstOpenedDate": None}
    assert told(events(salesforce, **answer)) == [("02s1", "email_reply", SENT, None, "00T1")]


def test_a_bounce_counts_at_the_time_of_the_mail_and_a_draft_not_at_all(salesforce: Mapping) -> None:
    bounced = events(salesforce, FirstOpenedDate=None, IsBounced=True)
    assert [(row["type"], row["occurred_at"]) for row in bounced] == [("email_sent", SENT), ("email_bounce", SENT)]
    assert events(salesforce, Status="5") == []


def test_no_text_that_people_wrote_is_read(salesforce: Mapping) -> None:
    texts = {"Description", "TextBody", "HtmlBody", "Headers", "Comments", "Body", "CallDisposition"}
    assert {name for name in salesforce.read if texts & set(fields_to_read(salesforce, name))} == set()


def test_a_part_in_a_deal_and_an_earlier_value_are_read_as_they_are(salesforce: Mapping) -> None:
    role = {"Id": "00K1", "ContactId": "0031", "OpportunityId": "0061", "Role": "Economic Buyer", "IsPrimary": True}
    (credit,) = to_canonical(
        salesforce, "OpportunityContactRole", pa.Table.from_pylist([role | {"CreatedDate": SENT}])
    )["credits"].to_pylist()
    assert (credit["credit_id"], credit["deal_id"], credit["person_id"]) == ("00K1", "0061", "0031")
    assert (credit["role"], credit["is_primary"], credit["created_at"]) == ("economic_buyer", True, SENT)
    row = {"Id": "0171", "LeadId": "00Q1", "Field": "Status", "OldValue": "Open", "NewValue": "Working"}
    fields = [row | {"CreatedDate": SENT}, row | {"Id": "0172", "Field": "Phone", "CreatedDate": SENT}]
    (known,) = to_canonical(salesforce, "LeadHistory", pa.Table.from_pylist(fields))["history"].to_pylist()
    assert known == {
        "history_id": "0171",
        "object": "Lead",
        "subject_id": "00Q1",
        "field": "Status",
        "old": "Open",
        "new": "Working",
        "changed_at": SENT,
    }
