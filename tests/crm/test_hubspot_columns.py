"""Texts to typed columns and back, and pages of any shape to tables."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot import columns
from connector.crm.hubspot.values import cast, to_text
from connector.errors import RetryableError
from mappings.fields import FieldKind

NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "a", "a"),
        ("text", "", None),
        ("option", "hot;warm", "hot;warm"),
        ("reference", "31871817", "31871817"),
        ("number", "5.0", 5.0),
        ("number", "1e3", 1000.0),
        ("number", " 7 ", 7.0),
        ("number", "1,000", None),
        ("number", "1e309", None),
        ("number", "NaN", None),
        ("number", "inf", None),
        ("number", "", None),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("boolean", "yes", None),
        ("boolean", "", None),
        ("datetime", "2025-01-01T00:00:00Z", NEW_YEAR),
        ("datetime", "2025-01-01T00:00:00.5Z", NEW_YEAR.replace(microsecond=500_000)),
        ("datetime", "2025-01-01T01:00:00+01:00", NEW_YEAR),
        ("datetime", "1735689600000", NEW_YEAR),
        ("datetime", "-1", datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC)),
        ("datetime", "2025-01-01", NEW_YEAR),
        ("datetime", "2025-13-01T00:00:00Z", None),
        ("datetime", "999999999999999999999", None),
        ("datetime", "", None),
        ("date", "2025-01-01", "2025-01-01"),
        ("date", "1735689600000", "2025-01-01"),
        ("date", "2025-01-01T23:00:00Z", "2025-01-01"),
        ("date", "soon", None),
        ("date", "", None),
    ],
)
def test_a_text_becomes_a_value_or_null(kind: FieldKind, text: str, value: object) -> None:
    assert cast(pa.array([text]), kind).to_pylist() == [value]
    beside = cast(pa.array([None, text, "?", text]), kind).to_pylist()
    assert (beside[0], beside[1], beside[3]) == (None, value, value)


@pytest.mark.fault("F19")
@given(texts=st.lists(st.one_of(st.none(), st.text(max_size=30))), kind=st.sampled_from(["number", "boolean", "date"]))
def test_no_text_is_too_strange(texts: list[str | None], kind: FieldKind) -> None:
    assert len(cast(pa.array(texts, pa.string()), kind)) == len(texts)


@pytest.mark.fault("F19")
@given(texts=st.lists(st.one_of(st.none(), st.text("0123456789-:TZ.+ ", max_size=26), st.text(max_size=9))))
def test_no_text_is_too_strange_for_a_time(texts: list[str | None]) -> None:
    assert len(cast(pa.array(texts, pa.string()), "datetime")) == len(texts)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (False, "false"), (5, "5"), (5.0, "5"), (0.1, "0.1"), (1e300, "1e+300"), ("x", "x")],
)
def test_a_value_is_written_as_hubspot_takes_it(value: str | float | None, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.fault("F19")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="not a number"):
        to_text(value)


def record(record_id: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - members of a record
    return {"id": record_id, "properties": {"email": f"{record_id}@example.com", "hs_object_id": record_id}, **more}


def linked(*ids: str, after: str | None = None) -> dict[str, Any]:
    results = [{"id": one, "type": kind} for one in ids for kind in ("primary", "unlabeled")]
    return {"results": results, **({"paging": {"next": {"after": after}}} if after else {})}


def body(*records: dict[str, Any], after: str | None = None) -> bytes:
    paging = {"paging": {"next": {"after": after, "link": "https://elsewhere"}}} if after else {}
    return json.dumps({"results": records, **paging}).encode()


def test_pages_become_one_table_with_associations_once() -> None:
    fields = ["id", "email", "associations.companies", "associations.deals"]
    pages = [
        body(record("1", associations={"companies": linked("7", "8")}), record("2"), after="3"),
        body(record("3", associations={"companies": linked("7"), "deals": linked("9")})),
        b'{\n  "results": []\n}',
    ]
    rows = columns.record_rows(pages, fields)
    table = columns.record_table(rows, fields, {"email": "text"})
    assert table.schema.field("associations.companies").type == pa.list_(pa.string())
    assert table.to_pylist() == [
        {
            "id": "1",
            "email": "1@example.com",
            "associations.companies": ["7", "8"],
            "associations.deals": [],
        },
        {"id": "2", "email": "2@example.com", "associations.companies": [], "associations.deals": []},
        {"id": "3", "email": "3@example.com", "associations.companies": ["7"], "associations.deals": ["9"]},
    ]


LINK_TYPES = st.sampled_from(["contact_to_company_unlabeled", "contact_to_company", "investor", None])


@given(st.lists(st.none() | st.lists(st.tuples(st.integers(0, 30).map(str), LINK_TYPES), max_size=12), max_size=80))
def test_ids_are_kept_once_and_in_their_order_but_for_primary_ones(lists: list[list[tuple[str, str]] | None]) -> None:
    kind = pa.list_(pa.struct([("id", pa.string()), ("type", pa.string())]))
    rows = [None if links is None else [{"id": one, "type": name} for one, name in links] for links in lists]
    primary = [[one for one, name in links or () if name == "contact_to_company"] for links in lists]
    expected = [
        list(dict.fromkeys([*first, *(one for one, _ in links or ())]))
        for first, links in zip(primary, lists, strict=True)
    ]
    assert columns.distinct(pa.array(rows, kind)).to_pylist() == expected


def test_associations_that_go_on_are_found_and_replaced() -> None:
    fields = ["id", "associations.companies"]
    rows = columns.record_rows(
        [body(record("1", associations={"companies": linked("7", after="8")}), record("2"))], fields
    )
    assert columns.unfinished(rows, "companies") == ["1"]
    table = columns.record_table(rows, fields, {}, {"companies": {"1": ["7", "8", "9"]}})
    assert table["associations.companies"].to_pylist() == [["7", "8", "9"], []]


def test_numbers_and_booleans_where_text_belongs_are_read_all_the_same() -> None:
    strange = json.dumps({"results": [{"id": 5, "properties": {"email": True, "n": 1.5}}]}).encode()
    rows = columns.record_rows([strange, body(record("6"))], ["id", "email", "n"])
    table = columns.record_table(rows, ["id", "email", "n"], {"n": "number"})
    assert table.to_pylist() == [
        {"id": "5", "email": "true", "n": 1.5},
        {"id": "6", "email": "6@example.com", "n": None},
    ]


def test_no_records_make_a_typed_empty_table() -> None:
    fields = ["id", "n", "associations.companies"]
    for bodies in ([], [b'{"results":[]}'], [b"{}"]):
        table = columns.record_table(columns.record_rows(bodies, fields), fields, {"n": "number"})
        assert (table.num_rows, table.schema.field("n").type) == (0, pa.float64())


def test_a_table_of_ids_alone() -> None:
    rows = columns.record_rows([body(record("1"), record("2"))], ["id"])
    assert columns.record_table(rows, ["id"], {}).to_pylist() == [{"id": "1"}, {"id": "2"}]


def test_a_page_that_is_no_json_is_a_passing_fault() -> None:
    with pytest.raises(RetryableError, match="JSON"):
        columns.record_rows([b"<html>"], ["id"])


@pytest.mark.parametrize(
    ("page", "after"),
    [
        (body(record("1"), after="2"), "2"),
        (body(record("1")), None),
        (body(record("1", associations={"companies": linked("7", after="x")})), None),
        (b'{"paging":{"next":{"after":"5"}},"results":[{"id":"1","paging":{"next":{"after":"x"}}}]}', "5"),
        (json.dumps({"results": [{"id": "1", "properties": {"note": '"paging":{"next"'}}]}).encode(), None),
        (b'{"results":[],"paging":null}', None),
        (b'{"results":[],"paging":{"prev":{"before":"1"}}}', None),
        (b'{"results":[],"paging":{"next":{"after":17}}}', "17"),
    ],
)
def test_the_next_page_is_found_wherever_it_stands(page: bytes, after: str | None) -> None:
    assert columns.next_after(page) == after
