"""What is sent to the CRM, and when a difference is worth sending."""

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.loader import load_mapping
from mappings.model import TaskField, WriteField
from mappings.write import JsonScalar, differs, new_fields, render, round_half_away, shorten

SCORE = WriteField.model_validate({"field": "S__c", "from": "total", "round": 0, "min_delta": 1})
TENTHS = WriteField.model_validate({"field": "F__c", "from": "fit", "round": 1})
WHY = WriteField.model_validate({"field": "W__c", "from": "reasons", "max_length": 20})
BAND = WriteField.model_validate({"field": "B__c", "from": "band"})
SCORED_AT = WriteField.model_validate({"field": "A__c", "from": "as_of"})
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
finite = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)


@pytest.mark.parametrize(
    ("spec", "value", "sent"),
    [
        (SCORE, 72.5, 73),
        (SCORE, 72.499999999, 72),
        (SCORE, -0.5, -1),
        (SCORE, -0.4, 0),
        (SCORE, 70, 70),
        (SCORE, None, None),
        (SCORE, math.nan, None),
        (SCORE, math.inf, None),
        (TENTHS, 2.25, 2.3),
        (TENTHS, -2.25, -2.3),
        (TENTHS, 3, 3.0),
        (BAND, "hot", "hot"),
        (BAND, None, None),
        (SCORED_AT, NOON.replace(microsecond=999_999), "2026-07-01T12:00:00Z"),
        (SCORED_AT, NOON.astimezone(timezone(timedelta(hours=2))), "2026-07-01T12:00:00Z"),
        (WHY, "+14 pricing page ×3, +5 demo", "+14 pricing page…"),
        (WHY, "x" * 30, "x" * 19 + "…"),
        (WHY, "exactly twenty chars", "exactly twenty chars"),
    ],
)
def test_render(spec: WriteField, value: JsonScalar | datetime, sent: JsonScalar) -> None:
    rendered = render(spec, value)
    assert rendered == sent
    assert type(rendered) is type(sent)


@pytest.mark.parametrize(
    ("spec", "value", "sent"),
    [
        (TaskField(field="ActivityDate", kind="date"), NOON, "2026-07-01"),
        (TaskField(field="ActivityDate", kind="date"), "2026-07-01T23:30:00-02:00", "2026-07-02"),
        (TaskField(field="hs_timestamp", kind="datetime"), NOON, "2026-07-01T12:00:00Z"),
        (TaskField(field="hs_timestamp", kind="datetime"), None, None),
        (TaskField(field="P", values={"High": "HIGH"}), "high", "HIGH"),
        (TaskField(field="P", values={"High": "HIGH"}), "Low", "Low"),
        (TaskField(field="Subject", max_length=8), "Call Ann Smith", "Call…"),
    ],
)
def test_render_of_task_fields(spec: TaskField, value: JsonScalar | datetime, sent: JsonScalar) -> None:
    assert render(spec, value) == sent


@pytest.mark.parametrize(
    ("spec", "current", "wanted", "expected"),
    [
        (SCORE, 70.0, 71, True),
        (SCORE, 70.4, 71, False),
        (SCORE, 70.0, 70, False),
        (SCORE, None, 0, True),
        (SCORE, 0.0, None, True),
        (SCORE, math.nan, None, False),
        (SCORE, "70", 70, False),
        (SCORE, "hot", 70, True),
        (TENTHS, 0.1, 0.2, True),
        (TENTHS, 0.3, 0.2, True),
        (TENTHS, 0.25, 0.3, False),
        (SCORE.model_copy(update={"min_delta": 5.0}), 70.0, 74, False),
        (SCORE.model_copy(update={"min_delta": 5.0}), 70.0, 75, True),
        (SCORE.model_copy(update={"min_delta": 0.0}), 70.0, 70, False),
        (SCORE.model_copy(update={"min_delta": 0.0}), 70.1, 70, True),
        (BAND, "hot", "hot", False),
        (BAND, "Hot", "hot", True),
        (BAND, "", None, False),
        (BAND, None, "hot", True),
        (SCORED_AT, NOON, "2026-07-01T12:00:00Z", False),
        (SCORED_AT, NOON.replace(microsecond=5), "2026-07-01T12:00:00Z", False),
        (SCORED_AT, "2026-07-01T12:00:00.000+0000", "2026-07-01T12:00:00Z", False),
        (SCORED_AT, "1782907200000", "2026-07-01T12:00:00Z", False),
        (SCORED_AT, 1782907200000, "2026-07-01T12:00:00Z", False),
        (SCORED_AT, "2026-07-01T12:00:01Z", "2026-07-01T12:00:00Z", True),
        (SCORED_AT, "soon", "2026-07-01T12:00:00Z", True),
    ],
)
def test_differs(spec: WriteField, current: JsonScalar | datetime, wanted: JsonScalar, expected: bool) -> None:
    assert differs(spec, current, wanted) is expected


@given(finite, st.integers(0, 6))
def test_rounding_is_nearest_and_halves_go_away_from_zero(value: float, decimals: int) -> None:
    rounded = round_half_away(value, decimals)
    assert rounded is not None
    exact, sent, unit = Decimal(repr(value)), Decimal(repr(rounded)), Decimal(1).scaleb(-decimals)
    assert abs(sent - exact) <= unit / 2 + abs(exact) * Decimal("1e-15")
    if abs(exact % unit) == unit / 2 and abs(exact) < 10**6:
        assert abs(sent) > abs(exact)
    assert round_half_away(-value, decimals) == -rounded


@given(finite, st.sampled_from([SCORE, TENTHS]))
def test_what_was_written_is_never_written_again(value: float, spec: WriteField) -> None:
    sent = render(spec, value)
    assert not differs(spec, sent, sent)
    assert not differs(spec, None if sent is None else float(sent), sent)
    assert render(spec, sent) == sent


@given(finite, finite, st.sampled_from([SCORE, TENTHS]))
def test_numbers_differ_both_ways_alike(one: float, other: float, spec: WriteField) -> None:
    first, second = render(spec, one), render(spec, other)
    assert differs(spec, first, second) is differs(spec, second, first) is (first != second)


@given(st.text(), st.integers(1, 40))
def test_shortened_text_fits_and_is_a_beginning(text: str, length: int) -> None:
    short = shorten(text, length)
    assert len(short) <= length
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_times_survive_the_way_there_and_back(moment: datetime) -> None:
    sent = render(SCORED_AT, moment.replace(tzinfo=UTC))
    assert not differs(SCORED_AT, moment.replace(tzinfo=UTC), sent)
    assert differs(SCORED_AT, moment.replace(tzinfo=UTC) + timedelta(seconds=1), sent)


@pytest.mark.parametrize(
    ("name", "people", "accounts", "task"),
    [("salesforce", ["Lead", "Contact"], "Account", "Task"), ("hubspot", ["contacts"], "companies", "tasks")],
)
def test_new_fields(name: str, people: list[str], accounts: str, task: str) -> None:
    fields = new_fields(load_mapping(name))
    assert [field.object for field in fields] == [*(o for o in (*people, accounts) for _ in range(8)), *people, task]
    assert [(field.kind, field.options[0]) for field in fields if field.by_people] == [("option", "accepted")] * len(
        people
    )
    assert all(field.label.startswith("Leadlight ") and field.description for field in fields)
    score, why, key = fields[0], fields[5], fields[-1]
    assert (score.kind, score.scale, score.length) == ("number", 0, None)
    assert (why.kind, why.length) == ("text", 255)
    assert {field.kind for field in fields if not field.by_people} == {"number", "text", "datetime"}
    assert "leadlight_key" in key.name.lower()
    assert (key.unique, key.kind, key.length) == (True, "text", 255)
