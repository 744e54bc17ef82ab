"""Bytes of Salesforce become typed rows."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from connector.crm.salesforce.schema import described_of
from connector.crm.salesforce.selection import INSTANT, page_of, read_csv_page, read_json_page, selection_of
from connector.errors import ConfigError, RetryableError

COLUMNS = {
    "Id": pa.string(),
    "Score__c": pa.float64(),
    "Hot__c": pa.bool_(),
    "SystemModstamp": INSTANT,
    "Due__c": pa.string(),
    "Campaign.Name": pa.string(),
    "Campaign.Owner.Name": pa.string(),
}
NULLS = dict.fromkeys(COLUMNS)
FULL = {
    "Id": "00Q1",
    "Score__c": 7.0,
    "Hot__c": True,
    "SystemModstamp": datetime(2026, 5, 1, 7, 25, 37, tzinfo=UTC),
    "Due__c": "2026-05-01",
    "Campaign.Name": 'Zoë "X" \U0001f600\nNA,',
    "Campaign.Owner.Name": "NA",
}
RECORD = {
    "attributes": {"type": "CampaignMember", "url": "/services/data/v62.0/sobjects/CampaignMember/00v1"},
    "Id": "00Q1",
    "Score__c": 7,
    "Hot__c": True,
    "SystemModstamp": "2026-05-01T07:25:37.000+0000",
    "Due__c": "2026-05-01",
    "Campaign": {"attributes": {"type": "Campaign"}, "Name": FULL["Campaign.Name"], "Owner": {"Name": "NA"}},
}
EMPTY: dict[str, Any] = {"attributes": {}, "Id": None, "Score__c": None, "Campaign": None}


def body(*records: Any, indent: int | None = None, **more: Any) -> bytes:  # noqa: ANN401 - any JSON
    page = {"totalSize": len(records), "done": True, "records": list(records)} | more
    return json.dumps(page, indent=indent).encode()


@pytest.mark.parametrize("indent", [None, 2])
def test_a_page_is_read_with_nulls_parents_and_line_feeds(indent: int | None) -> None:
    batch = read_json_page(body(RECORD, EMPTY, indent=indent), COLUMNS)
    assert batch.table.to_pylist() == [FULL, NULLS]
    assert batch.table.schema == pa.schema(list(COLUMNS.items()))
    assert (batch.total, batch.next) == (2, None)


def test_an_empty_page_has_its_columns() -> None:
    batch = read_json_page(body(), COLUMNS)
    assert batch.table.schema == pa.schema(list(COLUMNS.items()))
    assert batch.table.num_rows == 0


def test_an_unfinished_page_names_the_next() -> None:
    path = "/services/data/v62.0/query/0r8xx-2000"
    assert read_json_page(body(RECORD, done=False, nextRecordsUrl=path), COLUMNS).next == path
    assert read_json_page(body(RECORD, done=True, nextRecordsUrl=path), COLUMNS).next is None


def test_a_parents_number_becomes_text_as_the_port_has_it() -> None:
    odd = RECORD | {"Campaign": {"Name": 12, "Owner": {"Name": True}}}
    batch = read_json_page(body(odd, RECORD), COLUMNS)
    assert batch.table.to_pylist() == [FULL | {"Campaign.Name": "12", "Campaign.Owner.Name": "true"}, FULL]
    assert batch.table.schema == pa.schema(list(COLUMNS.items()))


@pytest.mark.fault("F19")
def test_half_a_surrogate_pair_does_not_stop_a_pull() -> None:
    cut = body(RECORD).replace(b"Zo\\u00eb", b"Zo\\ud83d")
    assert read_json_page(cut, COLUMNS).table["Campaign.Name"][0].as_py().startswith("Zo?")


@pytest.mark.fault("F5", "F7")
@pytest.mark.parametrize(
    "text", [b"", b"<html></html>", b"[]", b"{}", b'{"totalSize":', body(RECORD)[:-9], b'"a"', b"7"]
)
def test_what_is_no_page_is_a_passing_fault(text: bytes) -> None:
    with pytest.raises(RetryableError):
        read_json_page(text, COLUMNS)


CSV = (
    '"Id","Score__c","Hot__c","SystemModstamp","Due__c","Campaign.Name","Campaign.Owner.Name"\n'
    '"00Q1","7","true","2026-05-01T07:25:37.000Z","2026-05-01","Zoë ""X"" \U0001f600\nNA,","NA"\n'
    '"","","","","","",""\n'
)


def test_bulk_results_are_read_with_the_same_types() -> None:
    table = read_csv_page(CSV.encode(), COLUMNS)
    assert table.to_pylist() == [FULL, NULLS]
    assert table.schema == pa.schema(list(COLUMNS.items()))


@pytest.mark.fault("F19")
def test_bulk_results_may_hold_nul_bytes_separators_and_either_form_of_instant() -> None:
    text = CSV.replace("Zoë", "Z\0oë").replace("37.000Z", "37.000+0000").replace(",NA", ",NA\u2028\x0b\x85")
    table = read_csv_page(text.encode(), COLUMNS)
    assert table["SystemModstamp"][0].as_py() == FULL["SystemModstamp"]
    assert table.num_rows == 2


def test_bulk_results_without_rows_have_their_columns() -> None:
    assert read_csv_page(CSV.partition("\n")[0].encode() + b"\n", COLUMNS).schema == pa.schema(list(COLUMNS.items()))


@pytest.mark.parametrize("text", [b"", b"<html></html>", b'"Id","Score__c"\n"1","2"\n', CSV.encode() + b'"1","2"'])
def test_what_is_no_result_is_a_passing_fault(text: bytes) -> None:
    with pytest.raises(RetryableError):
        read_csv_page(text, COLUMNS)


def described(*names: str) -> Any:  # noqa: ANN401 - a describe
    kinds = {"SystemModstamp": "datetime", "IsDeleted": "boolean", "Amount": "currency", "Count": "int"}
    fields = [{"name": name, "type": kinds.get(name, "string"), "digits": 8} for name in names]
    owner = {"name": "OwnerId", "type": "reference", "relationshipName": "Owner", "referenceTo": ["User", "Group"]}
    return described_of({"name": "Lead", "label": "Lead", "fields": [*fields, owner]})


def test_a_pull_adds_what_it_needs_and_gives_what_was_asked() -> None:
    selection = selection_of(described("Id", "SystemModstamp", "IsDeleted", "Email"), ["Email", "Owner.Name", "Email"])
    assert list(selection.columns) == ["Id", "Email", "Owner.Name", "SystemModstamp", "IsDeleted"]
    rows = [
        {"Id": "1", "Email": "a", "Owner.Name": None, "SystemModstamp": None, "IsDeleted": None},
        {"Id": "2", "Email": "b", "Owner.Name": "o", "SystemModstamp": None, "IsDeleted": True},
    ]
    page = page_of(pa.Table.from_pylist(rows, pa.schema(list(selection.columns.items()))), selection, "c")
    assert page.rows.to_pylist() == [{"Id": "1", "Email": "a", "Owner.Name": None}]
    assert (page.deleted, page.cursor) == (("2",), "c")


@pytest.mark.fault("F22")
def test_a_page_tells_where_merged_and_converted_records_go_on() -> None:
    names = ("Id", "SystemModstamp", "IsDeleted", "MasterRecordId", "ConvertedContactId")
    selection = selection_of(described(*names), ["Id"])
    assert list(selection.columns) == list(names)
    rows = [
        {"Id": "1", "IsDeleted": True, "MasterRecordId": "2", "ConvertedContactId": None},
        {"Id": "2", "IsDeleted": False, "MasterRecordId": None, "ConvertedContactId": None},
        {"Id": "3", "IsDeleted": False, "MasterRecordId": None, "ConvertedContactId": "c"},
    ]
    page = page_of(pa.Table.from_pylist(rows, pa.schema(list(selection.columns.items()))), selection, "c")
    assert page.moved == (("1", "Lead", "2"), ("3", "Contact", "c"))
    assert page.deleted == ("1",)


def test_an_object_without_flags_or_with_another_stamp_can_be_read() -> None:
    selection = selection_of(described("Id", "CreatedDate"), ["Id"])
    assert (selection.stamp, selection.deletable) == ("CreatedDate", False)


def test_all_missing_fields_are_named() -> None:
    with pytest.raises(ConfigError) as caught:
        selection_of(described("Id", "SystemModstamp"), ["Nope", "Owner", "Owner.Name", "No.Name"])
    assert [problem.split(" ")[0] for problem in caught.value.problems] == ["Lead.Nope", "Lead.Owner", "Lead.No.Name"]
    with pytest.raises(ConfigError, match="SystemModstamp"):
        selection_of(described("Id"), ["Id"])


def test_digits_of_whole_numbers_are_their_precision() -> None:
    field = described("Count").info.fields["Count"]
    assert (field.kind, field.precision, field.length) == ("number", 8, None)
