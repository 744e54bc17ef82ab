"""Which fields are left out, from what they betray alone."""

import pytest

from scoring.predict.leaks import Betrayal, judge

HONEST = [Betrayal("industry", 0.62, 0.51, 0.0), Betrayal("employees", 0.60, 0.52, 0.01)]


def verdicts(*fields: Betrayal, allowed: tuple[str, ...] = ()) -> dict[str, str]:
    return {one.name: one.action for one in judge([*HONEST, *fields], allowed)}


def test_honest_fields_stay() -> None:
    assert verdicts() == {}
    assert verdicts(Betrayal("the one that matters", 0.74, 0.5, 0.03)) == {}


@pytest.mark.parametrize(
    ("field", "action"),
    [
        # Measured on public data: reference figures of fields that are known to leak.
        (Betrayal("loss note", 0.999, 0.999, 0.996), "block"),
        (Betrayal("close_value", 0.975, 0.5, 0.60), "block"),
        (Betrayal("labels", 0.919, 0.604, 0.11), "ask"),
        (Betrayal("duration", 0.815, 0.5, 0.15), "ask"),
        (Betrayal("Lead Quality", 0.596, 0.486, 0.0), "ask"),
        (Betrayal("late", 0.60, 0.55, 0.0, changed_after_share=0.51), "block"),
        (Betrayal("signed by", 0.61, 0.6, 0.02, certain_share=0.3), "ask"),
        (Betrayal("alone", 0.77, 0.5, 0.0), "ask"),
        (Betrayal("Last Notable Activity", 0.6, 0.5, 0.0), "ask"),
    ],
)
def test_each_sign_is_seen(field: Betrayal, action: str) -> None:
    assert verdicts(field) == {field.name: action}


def test_a_person_may_allow_what_is_asked_and_never_what_is_blocked() -> None:
    asked, blocked = Betrayal("status", 0.6, 0.5, 0.0), Betrayal("reason", 0.999, 0.5, 0.0)
    assert verdicts(asked, blocked, allowed=("status", "reason")) == {"reason": "block"}


def test_people_who_did_nothing_say_nothing_against_behaviour() -> None:
    assert verdicts(Betrayal("events_30d", 0.70, 0.95, 0.60, is_behaviour=True)) == {}
    assert verdicts(Betrayal("signed_30d", 0.99, 0.95, 0.60, is_behaviour=True)) == {"signed_30d": "block"}


def test_no_leak_hides_another() -> None:
    plain, certain = Betrayal("paid", 0.99, 0.5, 0.0), Betrayal("talk note", 0.80, 0.5, 0.0)
    assert verdicts(plain, certain) == {"paid": "block", "talk note": "ask"}
    twins = [Betrayal("talk note", 0.80, 0.5, 0.0), Betrayal("heat", 0.78, 0.5, 0.0)]
    assert verdicts(*twins) == {"talk note": "ask", "heat": "ask"}


def test_a_field_no_better_than_what_people_did_is_no_wonder() -> None:
    visits = Betrayal("events_30d", 0.81, 0.5, 0.0, is_behaviour=True)
    assert verdicts(visits, Betrayal("talk note", 0.80, 0.5, 0.0)) == {}
    assert verdicts(visits, Betrayal("talk note", 0.82, 0.5, 0.0)) == {"talk note": "ask"}


def test_a_doubt_leaves_a_field_out_until_a_person_allows_it() -> None:
    kind = Betrayal("kind", 0.6, 0.5, 0.0)
    assert [one.action for one in judge([*HONEST, kind], doubts={"kind": "becomes a contact"})] == ["ask"]
    assert judge([*HONEST, kind], ("kind",), doubts={"kind": "becomes a contact"}) == []


def test_a_field_of_many_values_that_only_the_converted_have_is_seen() -> None:
    matrix = pytest.importorskip("scoring.predict.train_matrix", reason="needs the train extra")
    measure = pytest.importorskip("scoring.predict.train_leaks", reason="needs the train extra")
    people = [f"p{n}" for n in range(1000)]
    paid = [float(n) if n % 10 == 0 else None for n in range(1000)]
    columns = {"subject_id": people, "as_of_s": [0.0] * 1000, "converted": [n % 5 == 0 for n in range(1000)]}
    rows = matrix.rows_of({**columns, "paid": paid}, ["paid"], []).dated()
    assert measure.betrayals(rows)[0].certain_share == 0.5


def test_a_field_that_some_have_who_were_won_after_the_horizon_is_seen() -> None:
    matrix = pytest.importorskip("scoring.predict.train_matrix", reason="needs the train extra")
    measure = pytest.importorskip("scoring.predict.train_leaks", reason="needs the train extra")
    people = [f"p{n}" for n in range(1000)]
    ever = [n % 4 == 0 for n in range(1000)]
    columns = {"subject_id": people, "as_of_s": [0.0] * 1000, "converted": [n % 5 > 0 and ever[n] for n in range(1000)]}
    paid = [float(n) if ever[n] and n % 3 == 0 else None for n in range(1000)]
    within = matrix.rows_of({**columns, "paid": paid}, ["paid"], []).dated()
    assert measure.betrayals(within.whole())[0].certain_share == 0.0
    rows = matrix.rows_of({**columns, "ever": ever, "paid": paid}, ["paid"], []).dated()
    assert measure.betrayals(rows.whole())[0].certain_share == pytest.approx(1 / 3, abs=0.01)
