"""The short text of a score, word by word."""

from datetime import UTC, datetime

from scoring.explain import Contribution, iso, sentence, short_reasons

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def row(rule_id: str, points: float, events: int = 0, last_at: datetime | None = None) -> Contribution:
    return Contribution(rule_id, rule_id.replace("_", " "), "engagement", events, last_at, last_at, points)


def test_a_rep_can_read_a_row() -> None:
    visits = row("pricing_page", 14.0, 3, datetime(2026, 6, 28, 9, tzinfo=UTC))
    assert sentence(visits, NOW) == "+14 pricing page ×3 (last 28 Jun)"
    assert sentence(row("gone_quiet", -2.5), NOW) == "-2.5 gone quiet"
    assert (
        sentence(row("demo", 20.0, 1, datetime(2025, 12, 31, 23, 59, tzinfo=UTC)), NOW) == "+20 demo (last 31 Dec 2025)"
    )


def test_halves_are_rounded_away_from_zero() -> None:
    assert sentence(row("a", 0.25), NOW) == "+0.3 a"
    assert sentence(row("a", -0.25), NOW) == "-0.3 a"
    assert sentence(row("a", 1.45), NOW) == "+1.5 a"
    assert sentence(row("a", 1234.96), NOW) == "+1235 a"


def test_three_up_two_down_ties_by_rule_id() -> None:
    rows = [row("d", 2), row("c", 2), row("b", 2), row("a", 1), row("z", 9), row("y", -1), row("x", -1), row("w", -7)]
    assert short_reasons(rows, NOW) == "+9 z; +2 b; +2 c; -7 w; -1 x"


def test_what_rounds_to_nothing_is_not_told() -> None:
    assert short_reasons([row("a", 0.04), row("b", 0.05), row("c", -0.049)], NOW) == "+0.1 b"
    assert short_reasons([], NOW) == ""


def test_times_are_utc_with_z() -> None:
    assert iso(NOW) == "2026-07-01T12:00:00Z"
    assert iso(None) is None
