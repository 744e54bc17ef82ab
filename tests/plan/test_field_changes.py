"""Field policies, and what travels with a change that a person would notice."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.planning.diff import Mirror, field_changes
from connector.planning.stage import plain
from mappings.loader import load_mapping
from mappings.model import WriteField

SCORE, BAND, WHY, MODEL = "Leadlight_Score__c", "Leadlight_Band__c", "Leadlight_Why__c", "Leadlight_Model__c"
AT = datetime(2026, 7, 1, 12, tzinfo=UTC)


def specs(**policy: str) -> dict[str, WriteField]:
    """Give the shipped write map, with other policies for some of its keys."""
    shipped = load_mapping("salesforce").write.person
    return {key: spec.model_copy(update={"policy": policy.get(key, spec.policy)}) for key, spec in shipped.items()}


def score(total: float = 60.0, band: str | None = "hot", reasons: str = "+60 C-level") -> dict[str, Any]:
    """Give one record's score."""
    return {
        "total": total, "fit": total, "engagement": 0.0, "fit_grade": None, "engagement_grade": None, "band": band,
        "reasons": reasons, "model": "m@1", "as_of": AT, "state": "active", "priority": None,
    }  # fmt: skip


def held(**values: Any) -> Mirror:  # noqa: ANN401 - whatever a field holds
    """Give what the CRM holds, seen after our last write."""
    written = values.pop("written", {})
    return Mirror(values, written, AT, None)


def changes(mirror: Mirror, wanted: dict[str, Any], **policy: str) -> dict[str, Any]:
    """List the changes."""
    return dict(field_changes(specs(**policy), mirror, wanted, plain))


def test_an_empty_record_gets_all_fields() -> None:
    found = changes(held(), score())
    assert found[SCORE] == (None, 60)
    assert found[BAND] == (None, "hot")
    assert found[WHY] == (None, "+60 C-level")
    assert found[MODEL] == (None, "m@1")


def test_reasons_model_and_time_alone_are_no_change() -> None:
    same: dict[str, Any] = {SCORE: 60.0, BAND: "hot", WHY: "other words", MODEL: "m@0", "Leadlight_Scored_At__c": None}
    assert changes(held(**same), score()) == {}


def test_they_travel_with_a_change_that_is_noticed() -> None:
    found = changes(held(**{SCORE: 60.0, BAND: "warm", WHY: "old", MODEL: "m@0"}), score())
    assert found == {
        BAND: ("warm", "hot"), WHY: ("old", "+60 C-level"), MODEL: ("m@0", "m@1"),
        "Leadlight_Scored_At__c": (None, "2026-07-01T12:00:00Z"),
    }  # fmt: skip


@pytest.mark.parametrize(("total", "changed"), [(60.49, False), (59.5, False), (60.5, True), (59.49, True)])
def test_a_number_is_sent_only_where_its_rounded_value_differs(total: float, *, changed: bool) -> None:
    found = changes(held(**{SCORE: 60.0, BAND: "hot"}), score(total))
    assert (SCORE in found) is changed


@pytest.mark.parametrize(
    ("policy", "now", "written", "changed"),
    [
        ("own", "warm", None, True),
        ("own", "edited by a person", "warm", True),
        ("if_empty", None, None, True),
        ("if_empty", "warm", "warm", False),
        ("tracked", None, None, True),
        ("tracked", "warm", "warm", True),
        ("tracked", "edited by a person", "warm", False),
        ("tracked", "edited by a person", None, False),
        ("never", None, None, False),
        ("never", "warm", "warm", False),
    ],
)
def test_policies(policy: str, now: str | None, written: str | None, *, changed: bool) -> None:
    mirror = held(**{SCORE: 60.0, BAND: now}, written={} if written is None else {BAND: written})
    assert (BAND in changes(mirror, score(), band=policy)) is changed


def test_a_write_that_the_pull_has_not_seen_counts_as_what_the_crm_holds() -> None:
    later = AT.replace(minute=1)
    unseen = Mirror({SCORE: None, BAND: None}, {SCORE: 60, BAND: "hot"}, AT, later)
    assert changes(unseen, score()) == {}
    seen = Mirror({SCORE: 10.0, BAND: "cold"}, {SCORE: 60, BAND: "hot"}, later, AT)
    assert changes(seen, score())[SCORE] == (10.0, 60)


def test_a_band_that_is_gone_is_cleared() -> None:
    found = changes(held(**{SCORE: 0.0, BAND: "cold"}), score(0.0, None, ""))
    assert found[BAND] == ("cold", None)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(AT, "2026-07-01T12:00:00Z"), (AT.date(), "2026-07-01"), (1.5, 1.5), (True, True), (None, None), ([1], "[1]")],
)
def test_a_plan_holds_plain_values(value: object, shown: object) -> None:
    assert plain(value) == shown
