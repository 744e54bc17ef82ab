"""Where chains of merges and conversions end, as the CRM tells them one by one."""

from datetime import UTC, datetime

from connector.crm.base import Moved
from connector.moves import Move, changed_moves

AT, LATER = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC)


def move(new: str, end: str | None, at: datetime = AT) -> Move:
    return Move("Contact", new, at, end)


def told(*pairs: tuple[str, str]) -> list[Moved]:
    return [Moved(old, "Contact", new) for old, new in pairs]


def test_a_chain_is_followed_to_its_end_and_earlier_moves_with_it() -> None:
    assert changed_moves({}, told(("a", "b")), (), AT) == ({"a": move("b", "b")}, [])
    held = {"a": move("b", "b")}
    assert changed_moves(held, told(("b", "c")), (), LATER) == (
        {"a": move("b", "c"), "b": move("c", "c", LATER)},
        [],
    )


def test_what_is_told_again_changes_nothing() -> None:
    held = {"a": move("b", "c"), "b": move("c", "c")}
    assert changed_moves(held, told(("a", "b"), ("b", "c")), (), LATER) == ({}, [])


def test_who_comes_back_ends_the_chain_there() -> None:
    held = {"a": move("b", "c"), "b": move("c", "c")}
    assert changed_moves(held, (), ("b", "x"), LATER) == ({"a": move("b", "b")}, ["b"])


def test_a_circle_ends_nowhere() -> None:
    changed, _ = changed_moves({}, told(("a", "b"), ("b", "a"), ("c", "a")), (), AT)
    assert {old: each.end_id for old, each in changed.items()} == {"a": None, "b": None, "c": None}
