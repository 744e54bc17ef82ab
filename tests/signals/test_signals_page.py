"""The page about signals says what the tests say: every system has a test, and every test is named."""

from tests.reliability.marks import marked
from tests.signals.page import PAGE, WORDS, named_on
from tests.signals.systems import SYSTEMS

RENEW = "write the page anew with `make signals`, or only what is new with `make signals ARGS=--new`"


def test_every_system_that_applies_is_shown_by_a_test() -> None:
    found = marked("signal")
    assert [row.name for row in SYSTEMS if not row.not_here and not found.get(row.name)] == []
    assert [row.name for row in SYSTEMS if row.not_here and found.get(row.name)] == []
    assert sorted(found.keys() - {row.name for row in SYSTEMS}) == []


def test_every_row_says_what_is_read_and_how_it_comes() -> None:
    assert [row.name for row in SYSTEMS if bool(row.read and row.way) == bool(row.not_here)] == []
    assert len({row.name for row in SYSTEMS}) == len(SYSTEMS) == 25


def test_the_page_names_exactly_the_tests_that_are_marked() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = marked("signal")
    assert named_on(text) == {row.name: set(found.get(row.name, ())) for row in SYSTEMS}, RENEW
    assert text.startswith(WORDS.read_text(encoding="utf-8").rstrip()), RENEW
    for row in SYSTEMS:
        assert f"| **{row.name}** | {row.read or row.not_here} | {row.way or '–'} |" in text, RENEW
