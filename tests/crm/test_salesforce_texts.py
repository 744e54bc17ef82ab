"""SOQL and CSV as the adapter writes them, and cursors."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.salesforce.bulk_ingest import cell_of, csv_of, failure_of
from connector.crm.salesforce.collections_write import Item
from connector.crm.salesforce.pull import Watermark, cursor_of, since_of
from connector.crm.salesforce.soql import (
    Position,
    changed_since,
    datetime_literal,
    identifier,
    is_one_of,
    select,
    text_literal,
)
from connector.errors import ConfigError

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_a_query_holds_columns_condition_and_order() -> None:
    text = select(["Id", "Campaign.Name"], "CampaignMember", "IsDeleted = false", ["SystemModstamp", "Id"])
    assert text == "SELECT Id, Campaign.Name FROM CampaignMember WHERE IsDeleted = false ORDER BY SystemModstamp, Id"
    assert select(["Id"], "Lead") == "SELECT Id FROM Lead"


@pytest.mark.parametrize("name", ["Id FROM User--", "", "Owner.", "1st", "Näme", "a b", "Id,Name", "Id\n"])
def test_what_is_no_name_stays_out_of_a_query(name: str) -> None:
    with pytest.raises(ConfigError):
        identifier(name)


def test_text_is_quoted() -> None:
    assert text_literal("O'Hara \\ Söhne\n") == "'O\\'Hara \\\\ Söhne\\n'"
    assert is_one_of("Key__c", ["a", "b'"]) == "Key__c IN ('a', 'b\\'')"


@given(st.text())
def test_a_quoted_text_has_no_open_end(value: str) -> None:
    inner = text_literal(value)[1:-1]
    assert "'" not in inner.replace("\\\\", "").replace("\\'", "")
    assert "\n" not in inner


def test_instants_are_utc_and_unquoted() -> None:
    eastern = datetime(2026, 7, 1, 8, 0, 5, 999, tzinfo=timezone(timedelta(hours=-4)))
    assert datetime_literal(eastern) == "2026-07-01T12:00:05Z"


def test_conditions_of_a_pull() -> None:
    stamp = "SystemModstamp"
    assert changed_since(stamp, None, None, alive_only=False) == ""
    assert changed_since(stamp, NOON, None, alive_only=False) == "SystemModstamp >= 2026-07-01T12:00:00Z"
    assert changed_since(stamp, None, Position(NOON, "00Q1"), alive_only=True) == (
        "IsDeleted = false AND ((SystemModstamp = 2026-07-01T12:00:00Z AND Id > '00Q1') "
        "OR SystemModstamp > 2026-07-01T12:00:00Z)"
    )


def test_a_cursor_comes_back_as_it_was() -> None:
    assert since_of(cursor_of(NOON)) == NOON
    assert since_of(None) is None
    assert since_of("") is None
    with pytest.raises(ConfigError):
        since_of('{"after": 7}')


@pytest.mark.fault("F16", "I9")
def test_the_watermark_moves_forward_only_and_not_past_the_start() -> None:
    hour = timedelta(hours=1)
    pull = Watermark(NOON, NOON + hour)
    assert since_of(pull.at(NOON - hour)) == NOON
    assert since_of(pull.at(NOON + hour / 2)) == NOON + hour / 2
    assert since_of(pull.at(NOON + 2 * hour)) == NOON + hour
    assert since_of(pull.final(None)) == NOON + hour
    assert since_of(Watermark(NOON, NOON - hour).final(NOON)) == NOON  # the server's clock was set back
    assert since_of(Watermark(NOON, None).final(NOON + hour)) == NOON + hour
    assert Watermark(None, NOON).at(None) == ""


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, "#N/A"),
        ("", "#N/A"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (0.5, "0.5"),
        ("a\0b", "ab"),
        ("NA", "NA"),
    ],
)
def test_cells_of_a_bulk_update(value: str | float | None, cell: str) -> None:
    assert cell_of(value) == cell


def test_rows_of_unlike_fields_leave_the_others_as_they_are() -> None:
    items = [Item({"Name": 'a "b"\nü, c'}, id="1"), Item({"Score__c": None}, id="2")]
    ((body, rows),) = csv_of(items)
    assert b"\r" not in body
    assert list(csv.reader(io.StringIO(body.decode(), newline=""))) == [
        ["Id", "Name", "Score__c"],
        ["1", 'a "b"\nü, c', ""],
        ["2", "", "#N/A"],
    ]
    assert rows == items


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), min_size=1))
def test_any_text_survives_the_csv(values: list[str]) -> None:
    ((body, _),) = csv_of([Item({"Name": value}, id=str(at)) for at, value in enumerate(values)])
    rows = list(csv.reader(io.StringIO(body.decode(), newline="")))[1:]
    assert [row[1] for row in rows] == values


def test_a_large_update_is_cut_into_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.crm.salesforce.bulk_ingest.MAX_ROWS", 2)
    parts = list(csv_of([Item({"A": str(at)}, id=str(at)) for at in range(5)]))
    assert [len(rows) for _, rows in parts] == [2, 2, 1]
    assert all(body.startswith(b'"Id","A"\n') for body, _ in parts)
    monkeypatch.setattr("connector.crm.salesforce.bulk_ingest.MAX_BYTES", 25)
    assert [len(rows) for _, rows in csv_of([Item({"A": "x" * 9}, id=str(at)) for at in range(3)])] == [1, 1, 1]


def test_the_error_of_a_failed_row_is_taken_apart() -> None:
    locked = failure_of("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record: 001x:--")
    assert (locked.code, locked.retry) == ("UNABLE_TO_LOCK_ROW", True)
    assert failure_of("FIELD_CUSTOM_VALIDATION_EXCEPTION:Type must contain a value.:Type --").message == (
        "Type must contain a value."
    )
    assert failure_of("UNKNOWN").code == "UNKNOWN"
