"""The features that SQL gives are those of a plain reading, at any second and whatever the facts hold."""

import math
from collections.abc import Iterator
from random import Random
from typing import Any

import duckdb
import pytest

from connector.engine.duckdb import open_engine
from scoring.predict.artefact import Feature, TableError
from scoring.predict.features import feature_statement
from tests.predict.feature_oracle import features_at
from tests.predict.random_tables import FEATURES
from tests.predict.statements import given, selected, snapshots
from tests.scoring.oracle_values import once, second
from tests.scoring.worlds import AS_OF, EDGES, Row, random_world


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


def features(rows: list[Row]) -> list[Feature]:
    return [Feature.model_validate({"label": row["id"], **row}) for row in rows]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("of_events_alone", [False, True])
def test_features_agree_with_a_plain_reading(
    engine: duckdb.DuckDBPyConnection, seed: int, of_events_alone: bool
) -> None:
    rows = [row for row in FEATURES if "event" in row] if of_events_alone else FEATURES
    random = Random(seed)  # noqa: S311 - a repeatable draw is wanted
    people, accounts, events = random_world(random, 18)
    events = once(events)
    columns = given(engine, {"people": people, "accounts": accounts, "events": events})
    # Several snapshots of everybody; one falls on the very second of an event.
    moments = {second(AS_OF) - random.choice(EDGES) for _ in range(3)}
    moments |= {second(random.choice(events)["occurred_at"])} if events else set()
    wanted = {(person["person_id"], at) for person in people for at in moments}
    snapshots(engine, sorted(wanted))
    found = selected(engine, feature_statement(features(rows), columns))
    by_id = {(row["subject_id"], row["as_of_s"]): row for row in found}
    assert len(found) == len(wanted)
    companies = {account["account_id"]: account for account in accounts}
    for person in people:
        account = companies.get(person["account_id"] or "", {})
        mine = [event for event in events if event["person_id"] == person["person_id"]]
        for at in moments:
            expected = features_at(rows, person, account, mine, at)
            row = by_id[person["person_id"], at]
            for name, value in expected.items():
                assert same(row[name], value), (name, person, at, row[name], value)


def same(actual: object, expected: object) -> bool:
    if isinstance(actual, float) and isinstance(expected, float):
        return actual == expected or math.isclose(actual, expected, rel_tol=1e-12)
    return type(actual) is type(expected) and actual == expected


def test_an_event_of_the_very_second_is_not_known_yet(engine: duckdb.DuckDBPyConnection) -> None:
    at = AS_OF.replace(microsecond=900_000)
    events = [{"event_id": "e", "type": "page_view", "person_id": "p", "occurred_at": at}]
    columns = given(engine, {"people": [{"person_id": "p"}], "accounts": [], "events": events})
    snapshots(engine, [("p", second(at)), ("p", second(at) + 1), ("nobody", second(at))])
    rows = selected(engine, feature_statement(features([FEATURES[7], FEATURES[11]]), columns))
    found = {(row["subject_id"], row["as_of_s"] - second(at)): (row["visits"], row["since_web"]) for row in rows}
    assert found == {("p", 0): (0.0, None), ("p", 1): (1.0, 1 / 86400), ("nobody", 0): (0.0, None)}


def test_values_that_a_snapshot_has_itself_are_not_those_of_today(engine: duckdb.DuckDBPyConnection) -> None:
    columns = given(engine, {"people": [{"person_id": "p", "title": "CEO", "nps": 9.0}], "accounts": [], "events": []})
    engine.execute("CREATE OR REPLACE TEMP TABLE before AS SELECT 'p' AS subject_id, 5 AS as_of_s, 'it' AS \"f.title\"")
    wanted = features(
        [
            {"id": "title", "kind": "attribute", "role": "categorical", "field": "title"},
            {"id": "nps", "kind": "attribute", "field": "nps"},
        ]
    )
    rows = selected(engine, feature_statement(wanted, columns, snapshots="before", known=["title"]))
    assert rows == [{"subject_id": "p", "as_of_s": 5, "title": "it", "nps": 9.0}]


def test_an_account_has_its_own_events_and_those_of_its_people(engine: duckdb.DuckDBPyConnection) -> None:
    of: list[dict[str, Any]] = [{"account_id": "a"}, {"person_id": "p"}, {"person_id": "q"}, {"account_id": "b"}]
    events = [{"event_id": str(n), "type": "ticket", "occurred_at": AS_OF, **row} for n, row in enumerate(of)]
    people: list[Row] = [{"person_id": "p", "account_id": "a"}, {"person_id": "q"}]
    accounts: list[Row] = [{"account_id": "a", "employees": 7.0}, {"account_id": "b"}]
    columns = given(engine, {"people": people, "accounts": accounts, "events": events})
    snapshots(engine, [("a", second(AS_OF) + 9), ("b", second(AS_OF) + 9)])
    wanted = features(
        [
            {"id": "tickets", "kind": "count", "event": "ticket"},
            {"id": "size", "kind": "attribute", "field": "employees"},
        ]
    )
    rows = selected(engine, feature_statement(wanted, columns, of_accounts=True))
    assert {row["subject_id"]: (row["tickets"], row["size"]) for row in rows} == {"a": (2.0, 7.0), "b": (1.0, None)}


def test_every_feature_that_the_data_cannot_give_is_named(engine: duckdb.DuckDBPyConnection) -> None:
    columns = given(engine, {"people": [], "accounts": [], "events": []})
    wrong = features(
        [
            {"id": "a", "kind": "attribute", "field": "senority"},
            {"id": "b", "kind": "attribute", "field": "seniority"},
            {"id": "c", "kind": "attribute", "role": "categorical", "field": "nps"},
            {"id": "d", "kind": "tenure_days", "field": "nps"},
            {"id": "e", "kind": "count", "where": {"field": "uri", "is": "x"}},
            {"id": "f", "kind": "count", "where": {"field": "value", "is": "x"}},
        ]
    )
    with pytest.raises(TableError) as raised:
        feature_statement(wrong, columns)
    assert raised.value.problems == (
        "there is no field 'senority', did you mean 'seniority'?",
        "b: 'seniority' is text, number is needed",
        "c: 'nps' is number, text or boolean is needed",
        "d: 'nps' is number, datetime is needed",
        "e: where: an event has no field 'uri', did you mean 'url'?",
        "f: where: 'value' is a number: 'is' compares it with text",
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "as_of_s", "kind": "count"}, "'as_of_s' is a column of its own"),
        ({"id": "x", "kind": "attribute"}, "an attribute needs a 'field'"),
        ({"id": "x", "kind": "count", "role": "categorical"}, "its role is numeric"),
        ({"id": "x", "kind": "count", "field": "nps"}, "'field' has no meaning for 'count'"),
        ({"id": "x", "kind": "tenure_days", "event": "call"}, "'event' and 'where' have no meaning"),
        ({"id": "x", "kind": "recency_days", "within_days": 3}, "'within_days' has no meaning"),
        ({"id": "x", "kind": "count", "where": {"field": "account.type", "is": "x"}}, "is not of the event"),
        ({"id": "x", "kind": "count", "where": {"field": "url", "in_list": "x"}}, "'in_list' cannot be part"),
    ],
)
def test_a_feature_without_meaning_is_refused(row: Row, said: str) -> None:
    with pytest.raises(ValueError, match=r"x|as_of_s") as raised:
        features([row])
    assert said in str(raised.value)
