"""Shares of what could not be read: when there is reason to look."""

from datetime import date

import pytest

from connector.readings import Share, alarms

WEEK_AGO = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("what", "now", "before", "expected"),
    [
        ("sources", Share(100, 39), None, 0),
        ("sources", Share(100, 41), None, 1),
        ("sources", Share(100, 50), Share(100, 44), 2),
        ("titles", Share(100, 90), None, 0),
        ("titles", Share(100, 30), Share(100, 24), 1),
        ("titles", Share(100, 30), Share(100, 26), 0),
        ("titles", Share(100, 10), Share(100, 90), 0),
        ("sources", Share(49, 49), None, 0),
    ],
)
def test_alarms(what: str, now: Share, before: Share | None, expected: int) -> None:
    assert len(list(alarms(what, now, (WEEK_AGO, before) if before else None))) == expected
