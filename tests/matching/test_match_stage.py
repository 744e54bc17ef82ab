"""Matching in a store: who belongs to whom and why, and that doing what changed gives what doing all gives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.matching.stage import match_stage
from mappings.lists import load_lists
from tests.matching.stores import Row, accounts_of, matches, put, store_in

ACCOUNTS: list[Row] = [
    {"account_id": "001", "name": "Acme Robotics Inc.", "domain": "acme.com", "country": "US"},
    {
        "account_id": "002",
        "name": "Müller Maschinenbau GmbH",
        "domain": "mueller-mb.de",
        "country": "DE",
        "postal_code": "70173",
    },
    {"account_id": "003", "name": "International Business Machines", "domain": "ibm.com", "country": "US"},
    {
        "account_id": "004",
        "name": "Société Générale S.A.",
        "domain": "socgen.fr",
        "country": "FR",
        "phone": "+33 1 42 14 20 00",
    },
    {"account_id": "005", "name": "Gmail fans", "domain": "gmail.com"},
    {"account_id": "006", "name": "Tiny page", "domain": "facebook.com"},
    {"account_id": "007", "name": "British Tea Ltd", "domain": "tea.co.uk", "country": "GB"},
    {"account_id": "008", "name": "Other Tea Ltd", "domain": "other.co.uk", "country": "GB"},
    {"account_id": "009", "name": "Stadtwerke Hamburg", "country": "DE"},
    {"account_id": "010", "name": "Studio 54 Records", "country": "US"},
]


def matched(folder: Path, people: Sequence[Row], accounts: Sequence[Row] = ACCOUNTS, **matching: Any) -> dict[str, Any]:  # noqa: ANN401 - settings of any kind
    """Match people in a store of their own."""
    with store_in(folder, **matching) as job:
        put(job, "accounts", accounts)
        put(job, "people", people)
        match_stage(job)
        return matches(job)


@pytest.mark.parametrize(
    ("person", "account", "method", "evidence"),
    [
        ({"email": "jo@eu.acme.com"}, "001", "domain", "e-mail domain acme.com"),
        ({"email": "jo@ACME.COM", "company": "ACME Robotics"}, "001", "domain", "e-mail domain acme.com, same name"),
        ({"email": "jo@gmail.com", "domain": "acme.com"}, "001", "domain", "web site domain acme.com"),
        ({"email": "jo@tea.co.uk"}, "007", "domain", "e-mail domain tea.co.uk"),
        ({"company": "Mueller Maschinenbau"}, "002", "name", "same name"),
        ({"company": "muller maschinenbau gmbh", "country": "DE"}, "002", "name", "same name, same country DE"),
        ({"company": "Societe Generale", "email": "jo@gmail.com"}, "004", "name", "same name"),
        ({"company": "IBM Corp.", "country": "US"}, "003", "acronym", "initials of the name, same country US"),
        (
            {"company": "Mueler Maschinenbau", "country": "DE", "postal_code": "70173"},
            "002", "close_name", "close name (95%), same postal code 70173, same country DE",
        ),
        (
            {"company": "Société Généralle", "phone": "0033142142000"},
            "004", "close_name", "close name (97%), same phone",
        ),
        ({"company": "Acme Robotic", "country": "US"}, "001", "close_name", "close name (96%), same country US"),
    ],
)  # fmt: skip
def test_what_speaks_for_an_account(person: Row, account: str, method: str, evidence: str, tmp_path: Path) -> None:
    found = matched(tmp_path, [{"person_id": "p", **person}])["p"]
    assert (found["account_id"], found["method"], found["evidence"]) == (account, method, evidence)
    assert 0 < found["confidence_share"] < 1


@pytest.mark.parametrize(
    "person",
    [
        {"email": "jo@gmail.com"},
        {"email": "jo@facebook.com", "domain": "https://facebook.com/tiny"},
        {"email": "jo@stud.acme.com"},
        {"email": "jo@new.co.uk"},
        {"company": "IBM"},  # no second evidence
        {"company": "Acme Robotic"},
        {"company": "Acme Robotics", "country": "DE"},
        {"company": "Acme Robotics", "email": "jo@acme-robotics.pl"},
        {"company": "Stadtwerke Homburg", "country": "DE"},
        {"company": "Studio 55 Records", "country": "US"},
        {"company": "Acme Robotic", "email": "jo@robots.pl", "country": "US"},
        {"company": "Acme"},
        {"company": "Inc."},
    ],
)
def test_what_does_not(person: Row, tmp_path: Path) -> None:
    assert matched(tmp_path, [{"person_id": "p", **person}]) == {}


def test_the_crms_own_link_counts_and_converted_leads_are_no_more(tmp_path: Path) -> None:
    people: list[Row] = [
        {"person_id": "own", "email": "jo@acme.com", "account_id": "007"},
        {"person_id": "gone", "email": "jo@acme.com", "converted_at": "2026-01-01"},
        {"person_id": "open", "email": "jo@acme.com"},
    ]
    assert set(matched(tmp_path, people)) == {"open"}


TWINS: list[Row] = [
    {"account_id": "0A", "name": "Acme", "domain": "acme.com", "country": "US"},
    {"account_id": "0B", "name": "Acme Inc", "domain": "acme.com", "country": "US"},
]


@pytest.mark.parametrize(
    ("change", "person", "why"),
    [
        ({}, {}, "taken before Acme Inc (0B): is older"),
        ({"country": "DE"}, {"country": "DE"}, "taken before Acme (0A): same country"),
        ({"type": "customer"}, {}, "taken before Acme (0A): is a customer"),
        ({"owner_id": "u1"}, {"owner_id": "u1"}, "taken before Acme (0A): has the same owner"),
    ],
)
def test_tie_breakers(change: Row, person: Row, why: str, tmp_path: Path) -> None:
    accounts = [TWINS[0], {**TWINS[1], **change}]
    found = matched(tmp_path, [{"person_id": "p", "email": "jo@acme.com", **person}], accounts)["p"]
    assert found["evidence"].endswith(why)
    assert found["account_id"] == ("0B" if change else "0A")
    assert found["rivals"] == ["0A" if change else "0B"]


def test_an_open_opportunity_and_more_people_break_ties(tmp_path: Path) -> None:
    with store_in(tmp_path) as job:
        put(job, "accounts", TWINS)
        put(job, "people", [{"person_id": "p", "email": "jo@acme.com"}])
        match_stage(job)
        assert accounts_of(job) == {"p": "0A"}
        put(job, "people", [{"person_id": "c", "account_id": "0B"}])
        match_stage(job)
        assert accounts_of(job) == {"p": "0B"}
        opened: Row = {"outcome_id": "o1:opportunity_created", "kind": "opportunity_created", "account_id": "0A"}
        put(job, "outcomes", [opened])
        match_stage(job)
        assert accounts_of(job) == {"p": "0A"}
        put(job, "outcomes", [{"outcome_id": "o1:closed_lost", "kind": "closed_lost", "account_id": "0A"}])
        match_stage(job)
        assert accounts_of(job) == {"p": "0B"}


def test_accounts_of_different_domains_are_not_decided_between(tmp_path: Path) -> None:
    deltas: list[Row] = [
        {"account_id": "0A", "name": "Delta", "domain": "delta-air.com"},
        {"account_id": "0B", "name": "Delta Ltd", "domain": "delta-tools.com"},
    ]
    found = matched(tmp_path / "one", [{"person_id": "p", "company": "Delta Inc"}], deltas)["p"]
    assert (found["account_id"], found["method"], found["rivals"]) == (None, "ambiguous", ["0A", "0B"])
    assert found["evidence"] == "same name: Delta (0A), Delta Ltd (0B)"
    twins = matched(tmp_path / "two", [{"person_id": "p", "email": "jo@acme.com"}], TWINS, conflicts="leave")["p"]
    assert (twins["account_id"], twins["method"]) == (None, "ambiguous")


def test_methods_can_be_left_out(tmp_path: Path) -> None:
    people: list[Row] = [{"person_id": "d", "email": "jo@acme.com"}, {"person_id": "n", "company": "Acme Robotics"}]
    assert set(matched(tmp_path / "d", people, methods=("domain",))) == {"d"}
    assert set(matched(tmp_path / "n", people, methods=("name",))) == {"n"}


def test_a_key_that_very_many_accounts_share_tells_nothing(tmp_path: Path) -> None:
    crowd: list[Row] = [{"account_id": f"{n:04d}", "name": f"Shop {n}", "domain": "shops.com"} for n in range(401)]
    people: list[Row] = [{"person_id": "p", "email": "jo@shops.com"}]
    assert matched(tmp_path / "all", people, crowd) == {}
    assert matched(tmp_path / "some", people, crowd[:400])["p"]["account_id"] == "0000"
    with store_in(tmp_path / "one") as job:
        put(job, "accounts", crowd)
        put(job, "people", people)
        match_stage(job)
        assert matches(job) == {}
        put(job, "accounts", [], gone=["0000"])
        match_stage(job)
        assert accounts_of(job) == {"p": "0001"}


def test_other_settings_match_everybody_anew_and_off_ends_all(tmp_path: Path) -> None:
    with store_in(tmp_path) as job:
        put(job, "accounts", ACCOUNTS)
        put(job, "people", [{"person_id": "p", "company": "Acme Robotics"}])
        match_stage(job)
        assert accounts_of(job) == {"p": "001"}
    with store_in(tmp_path, methods=("domain",)) as job:
        match_stage(job)
        assert matches(job) == {}
    with store_in(tmp_path) as job:
        match_stage(job)
        assert accounts_of(job) == {"p": "001"}
    with store_in(tmp_path, enabled=False) as job:
        match_stage(job)
        assert job.lake.files("matches") == []
        assert job.lake.files("match_keys") == []


def test_nothing_changed_writes_nothing(tmp_path: Path) -> None:
    with store_in(tmp_path) as job:
        put(job, "accounts", ACCOUNTS)
        put(job, "people", [{"person_id": "p", "email": "jo@acme.com"}])
        match_stage(job)
        files = [file.seq for file in job.lake.files("matches")]
        match_stage(job)
        assert [file.seq for file in job.lake.files("matches")] == files


NAMES = st.sampled_from(
    ("Acme", "Acme Robotics", "Acme Robotic GmbH", "Arc Robot Energy", "ARE", "Müller & Co", "Mueller")
)
SITES = st.sampled_from(("acme.com", "eu.acme.com", "mueller.de", "gmail.com", None, None))
PLACES = st.sampled_from(("DE", "US"))
CODES = st.sampled_from(("70173", None))
PEOPLE = st.fixed_dictionaries(
    {
        "email": st.builds(lambda site: site and f"jo@{site}", SITES),
        "company": NAMES, "country": PLACES, "postal_code": CODES, "owner_id": st.sampled_from(("u1", "u2")),
        "account_id": st.sampled_from((None, None, None, "a1")),
    }
)  # fmt: skip
COMPANIES = st.fixed_dictionaries(
    {
        "name": NAMES,
        "domain": SITES,
        "country": PLACES,
        "postal_code": CODES,
        "type": st.sampled_from(("customer", None)),
    }
)
WHO, WHERE = [f"p{n}" for n in range(6)], [f"a{n}" for n in range(4)]
FIRST = st.tuples(
    st.fixed_dictionaries(dict.fromkeys(WHO, PEOPLE)), st.fixed_dictionaries(dict.fromkeys(WHERE, COMPANIES))
)
LATER = st.tuples(
    st.dictionaries(st.sampled_from(WHO), st.none() | PEOPLE, max_size=2),
    st.dictionaries(st.sampled_from(WHERE), st.none() | COMPANIES, max_size=2),
)
CHANGES = st.builds(lambda first, later: [first, *later], FIRST, st.lists(LATER, min_size=1, max_size=2))
Changes = list[tuple[dict[str, Row | None], dict[str, Row | None]]]


def change(job: Any, changes: tuple[dict[str, Row | None], dict[str, Row | None]]) -> None:  # noqa: ANN401 - a job
    """Put and delete rows as a pull does."""
    for table, key, rows in (("people", "person_id", changes[0]), ("accounts", "account_id", changes[1])):
        there = [{key: one, **row} for one, row in rows.items() if row is not None]
        put(job, table, there, [one for one, row in rows.items() if row is None])


@given(CHANGES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_matching_what_changed_gives_what_matching_all_gives(
    tmp_path_factory: pytest.TempPathFactory, steps: Changes
) -> None:
    folder = tmp_path_factory.mktemp("steps")
    with store_in(folder / "short") as job:
        for step in steps:
            change(job, step)
            match_stage(job)
        short = matches(job)
    with store_in(folder / "whole") as job:
        for step in steps:
            change(job, step)
        match_stage(job)
        assert matches(job) == short


@given(st.permutations(range(6)), st.lists(PEOPLE, min_size=6, max_size=6), st.lists(COMPANIES, min_size=6, max_size=6))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_order_of_rows_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], people: list[Row], companies: list[Row]
) -> None:
    folder = tmp_path_factory.mktemp("order")
    rows = [{"person_id": f"p{n}", **row} for n, row in enumerate(people)]
    accounts = [{"account_id": f"a{n}", **row} for n, row in enumerate(companies)]
    one = matched(folder / "one", rows, accounts)
    assert matched(folder / "other", [rows[n] for n in order], [accounts[n] for n in reversed(order)]) == one


@given(st.sampled_from(sorted(load_lists()["free_mail"] | load_lists()["disposable"])), st.lists(COMPANIES, max_size=4))
@settings(max_examples=12, deadline=None)
def test_a_mailbox_for_anybody_never_matches(
    tmp_path_factory: pytest.TempPathFactory, host: str, companies: list[Row]
) -> None:
    accounts = [{"account_id": f"a{n}", **row, "domain": host} for n, row in enumerate([*companies, {"name": "Own"}])]
    assert matched(tmp_path_factory.mktemp("free"), [{"person_id": "p", "email": f"jo@{host}"}], accounts) == {}
