"""The page about reliability says what the tests say: every row has a test, and every test is named."""

from tests.reliability.marks import marked
from tests.reliability.matrix import FAULTS, INVARIANTS, ROWS
from tests.reliability.page import PAGE, WORDS, named_on

RENEW = "write the page anew with `make reliability`, or only what is new with `make reliability ARGS=--new`"


def test_every_row_that_applies_is_shown_by_a_test() -> None:
    found = marked()
    assert [row.id for row in ROWS if not row.not_here and not found.get(row.id)] == []
    assert [row.id for row in ROWS if row.not_here and found.get(row.id)] == []
    assert sorted(found.keys() - {row.id for row in ROWS}) == []


def test_rows_are_those_of_the_matrix_and_say_what_is_held() -> None:
    assert [row.id for row in FAULTS] == [f"F{n}" for n in range(1, 37)]
    assert [row.id for row in INVARIANTS] == [f"I{n}" for n in range(1, 15)]
    assert [row.id for row in ROWS if bool(row.held) == bool(row.not_here)] == []


def test_the_page_names_exactly_the_tests_that_are_marked() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = marked()
    named, found = named_on(page), {row.id: set(shown.get(row.id, ())) for row in ROWS}
    assert named == found, RENEW
    assert page.startswith(WORDS.read_text(encoding="utf-8").rstrip()), RENEW
    for row in ROWS:
        assert f"| **{row.id}** | {row.what} | {row.held or row.not_here} |" in page, RENEW
