"""Whose turn it is: fair by weight, exact, the same every time, and nobody flooded who was away."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.hours import Calendar, parse_openings
from connector.routing.pools import Member, Pool
from connector.routing.rota import TURN, Rota, pointer_of, pointer_text

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)  # a Wednesday
weights = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(1, 100), min_size=1, max_size=6)


def pool_of(*members: Member, zone: str | None = None) -> Pool:
    return Pool("p", members, ZoneInfo(zone) if zone else None)


def taken(rota: Rota, pool: Pool, times: int, at: datetime = NOON) -> list[str | None]:
    """Hand out so many records."""
    found = []
    for _ in range(times):
        owner = rota.take(pool, at).owner
        if owner is not None:
            rota.count(owner, at)
        found.append(owner)
    return found


def test_ties_go_to_the_lower_id() -> None:
    assert taken(Rota(), pool_of(Member("b", "B"), Member("a", "A")), 4) == ["a", "b", "a", "b"]


def test_twice_the_weight_is_twice_the_records_and_not_in_a_row_of_many() -> None:
    got = taken(Rota(), pool_of(Member("a", "A", weight=2), Member("b", "B")), 9)
    assert Counter(got) == {"a": 6, "b": 3}
    assert "".join(map(str, got)) == "abaabaaba"


@given(weights, st.integers(0, 120))
def test_loads_by_weight_differ_by_less_than_two_turns(shares: dict[str, int], records: int) -> None:
    pool = pool_of(*(Member(name, name, weight=weight) for name, weight in shares.items()))
    load = Counter(taken(Rota(), pool, records))
    turns = [load[name] / weight for name, weight in shares.items()]
    assert load.total() == records
    assert max(turns) - min(turns) <= 1 / min(shares.values()) + 1e-9


@given(weights, st.lists(st.sets(st.text("abcdef", min_size=1, max_size=3)), max_size=60))
def test_the_same_absences_give_the_same_owners_in_one_plan_or_many(
    shares: dict[str, int], absences: list[set[str]]
) -> None:
    whole, piecewise, seen = Rota(), Rota(), []
    for gone in absences:
        pool = pool_of(*(Member(name, name, weight=w, paused=name in gone) for name, w in shares.items()))
        kept = {name: pointer_text(n) for name, n in piecewise.pointers.get("p", {}).items()}
        piecewise = Rota({"p": {name: pointer_of(text) for name, text in kept.items()}})
        first, second = whole.take(pool, NOON), piecewise.take(pool, NOON)
        assert first == second
        seen.append(first.owner)
    replayed = Rota()
    for gone, owner in zip(absences, seen, strict=True):
        pool = pool_of(*(Member(name, name, weight=w, paused=name in gone) for name, w in shares.items()))
        if owner is not None:
            replayed.move(pool, owner, gone & {*shares})
    assert replayed.pointers == whole.pointers


@given(st.integers(1, 9), st.integers(1, 200), st.integers(1, 30))
def test_whoever_returns_or_joins_gets_their_share_and_no_more(weight: int, missed: int, later: int) -> None:
    others = (Member("a", "A"), Member("b", "B"))
    for back in (Member("z", "Z", weight=weight), Member("new", "New", weight=weight)):
        rota = Rota()
        taken(rota, pool_of(*others, Member("z", "Z", weight=weight, paused=True)), missed)
        got = Counter(taken(rota, pool_of(*others, back), later))
        share = later * weight / (weight + len(others))
        assert got[back.id] <= share + weight + 1
        assert got[back.id] >= share - weight - 1


@pytest.mark.fault("I14")
@given(
    st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1),
    st.lists(st.integers(0, 40), max_size=60),
)
def test_caps_are_never_passed(caps: dict[str, tuple[int, int]], gaps_h: list[int]) -> None:
    members = (Member(name, name, cap_day=day, cap_open=most) for name, (day, most) in caps.items())
    pool, rota, at, given_at = pool_of(*members), Rota(open_now={"p": Counter()}), NOON, []
    for gap_h in gaps_h:
        at += timedelta(hours=gap_h)
        (owner,) = taken(rota, pool, 1, at)
        given_at += [(owner, at)] if owner else []
        for name, (day, most) in caps.items():
            assert sum(1 for who, when in given_at if who == name and when > at - timedelta(hours=24)) <= day
            assert sum(1 for who, _ in given_at if who == name) <= most


def test_a_local_day_begins_at_its_own_midnight() -> None:
    pool, rota = pool_of(Member("a", "A", cap_day=1), zone="America/New_York"), Rota()
    late = datetime(2026, 11, 2, 3, 59, tzinfo=UTC)  # 22:59 on the day when clocks go back
    assert taken(rota, pool, 1, late) == ["a"]
    assert taken(rota, pool, 1, late + timedelta(minutes=60)) == [None]  # 23:59
    assert taken(rota, pool, 1, late + timedelta(minutes=61)) == ["a"]


def test_everybody_who_cannot_is_named_with_why() -> None:
    berlin = Calendar(ZoneInfo("Europe/Berlin"), parse_openings(["mon-fri 09:00-13:00"]))
    pool = pool_of(
        Member("gone", "G", active=False),
        Member("idle", "I", paused=True),
        Member("sun", "S", away=((date(2026, 6, 29), date(2026, 7, 3)), (date(2026, 7, 1), date(2026, 7, 10)))),
        Member("shut", "T", hours=berlin),
        Member("day", "D", cap_day=0),
        Member("full", "F", cap_open=2),
    )
    choice = Rota(open_now={"p": Counter(full=3)}).take(pool, NOON)
    assert choice.owner is None
    assert dict(choice.passed) == {
        "gone": "inactive",
        "idle": "paused",
        "sun": "away until 2026-07-10",
        "shut": "off until Thu 02 Jul 09:00 CEST",
        "day": "0 of 0 today",
        "full": "3 open, 2 is the most",
    }


def test_days_away_are_whole_days_of_the_pools_clock() -> None:
    away = Member("a", "A", away=((date(2026, 7, 1), date(2026, 7, 1)),))
    tokyo = pool_of(away, zone="Asia/Tokyo")
    just_before, last = datetime(2026, 6, 30, 14, 59, tzinfo=UTC), datetime(2026, 7, 1, 14, 59, tzinfo=UTC)
    assert [Rota().take(tokyo, at).owner for at in (just_before, just_before + timedelta(minutes=1), last)] == [
        "a",
        None,
        None,
    ]
    assert Rota().take(tokyo, last + timedelta(minutes=1)).owner == "a"


def test_a_pointer_is_an_exact_fraction() -> None:
    assert pointer_text(TURN * 7 // 3) == "7/3"
    assert pointer_of("7/3") * 3 == TURN * 7
