"""What a mapping may read about people."""

from collections.abc import Iterator

import pytest

from mappings.loader import load_mapping
from mappings.model import Mapping
from mappings.privacy import TELLING, restricted, sensitive_fields, sensitivity, unnamed_columns
from mappings.wanted import fields_to_read


@pytest.fixture(params=["salesforce", "hubspot"])
def mapping(request: pytest.FixtureRequest) -> Mapping:
    """Give each packaged mapping."""
    return load_mapping(request.param)


def given_columns(mapping: Mapping) -> Iterator[str]:
    """Walk the columns of events that a mapping fills."""
    for table in mapping.read.values():
        for entry in table.event:
            yield from entry.columns()


def test_packaged_mappings_read_nothing_sensitive(mapping: Mapping) -> None:
    assert sensitive_fields(mapping, ()) == []


def test_without_a_list_nothing_changes(mapping: Mapping) -> None:
    assert restricted(mapping, None, bare=False) is mapping


def test_a_table_that_can_give_nothing_allowed_is_not_read(mapping: Mapping) -> None:
    meetings = restricted(mapping, ("meeting",), bare=False)
    kept = {name for name, table in meetings.read.items() if table.table == "events"}
    fixed = {
        name
        for name, table in mapping.read.items()
        if table.table == "events" and all(entry.type.value not in (None, "meeting") for entry in table.event)
    }
    assert fixed
    assert not kept & fixed
    assert all(meetings.read[name].only_types == ("meeting",) for name in kept)
    assert {name for name in mapping.read if mapping.read[name].table != "events"} <= meetings.read.keys()
    assert all(meetings.read[name].hash != mapping.read[name].hash for name in kept)


def test_bare_events_name_nothing_that_tells_what_was_read(mapping: Mapping) -> None:
    bare = restricted(mapping, None, bare=True)
    assert set(given_columns(mapping)) & set(TELLING)
    assert not set(given_columns(bare)) & set(TELLING)
    asked = {field for name in bare.read for field in fields_to_read(bare, name)}
    assert not asked & {"URL__c", "Props__c", "properties.hs_url", "properties.url", "properties.props"}


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("Primary_Diagnosis__c", "health"),
        ("PatientID", "health"),
        ("patient_id__c", "health"),
        ("Ethnicity__c", "origin"),
        ("religion", "belief"),
        ("SexualOrientation", "sexuality"),
        ("trade_union_member", "union membership"),
        ("SSN__c", "identity papers"),
        ("number_of_children", "children"),
        ("Gesundheit__c", "health"),
        ("hs_analytics_source", None),
        ("Reunion_Date__c", None),
        ("Racecar__c", None),
        ("Healthcheck__c", None),
        ("Trace_Id__c", None),
    ],
)
def test_names_are_read_word_by_word(field: str, kind: str | None) -> None:
    assert sensitivity(field) == kind


def test_own_columns_are_told_by_name(mapping: Mapping) -> None:
    people = next(name for name, table in mapping.read.items() if table.table == "people")
    table = mapping.read[people]
    source = next(iter(table.fields.values()))
    grown = table.model_copy(update={"fields": {**table.fields, "shoe_size": source}})
    mine = mapping.model_copy(update={"read": {**mapping.read, people: grown}})
    assert unnamed_columns(mapping, mapping, ()) == []
    assert len(unnamed_columns(mine, mapping, ())) == 1
    assert unnamed_columns(mine, mapping, ("shoe_size",)) == []
