"""Who gets a record: ties, people who left, owners whom a person chose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.base import Owner
from connector.routing.pools import Pool, Rota, may_assign, resolve_pools
from mappings.targets import Policy

ANA, BEN, CHLOE = "005A", "005B", "005C"
POOL = Pool("sdr", (BEN, ANA))


def test_the_fewest_records_so_far_is_next_and_ties_go_to_the_lower_id() -> None:
    rota = Rota({BEN: 1})
    assert [rota.next(POOL) for _ in range(4)] == [ANA, ANA, BEN, ANA]


def test_a_rota_goes_on_from_what_was_given_before() -> None:
    rota = Rota({ANA: 5})
    assert [rota.next(POOL) for _ in range(5)] == [BEN] * 5


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, unique=True), st.integers(0, 60))
def test_nobody_gets_two_more_than_anybody_else(owners: list[str], records: int) -> None:
    rota, pool = Rota(), Pool("p", tuple(owners))
    for _ in range(records):
        rota.next(pool)
    counts = [rota.load.get(owner, 0) for owner in owners]
    assert sum(counts) == records
    assert max(counts) - min(counts) <= 1


def test_pools_name_people_by_address_or_id_and_leave_out_who_left() -> None:
    owners = [
        Owner(ANA, "Ana", "Ana@acme.example", active=True),
        Owner(BEN, "Ben", "ben@acme.example", active=False),
        Owner("00G1", "Inbound", None, active=True, queue=True),
    ]
    configured = {"sdr": ["ana@ACME.example", "ben@acme.example", "00g1"], "gone": [BEN]}
    pools, problems = resolve_pools(configured, owners)
    assert problems == []
    assert pools == {"sdr": Pool("sdr", (ANA, "00G1")), "gone": Pool("gone", ())}


def test_all_unknown_owners_are_named() -> None:
    _, problems = resolve_pools({"sdr": ["nobody@acme.example"], "ae": ["005X"]}, [])
    assert len(problems) == 2
    assert "nobody@acme.example" in problems[0]
    assert "005X" in problems[1]


@pytest.mark.parametrize(
    ("current", "last_written", "allowed_under"),
    [
        (None, None, {"own", "if_empty", "tracked"}),
        ("queue", None, {"own", "if_empty", "tracked"}),
        (ANA, None, set()),  # in the pool already
        (ANA, ANA, set()),
        (CHLOE, None, {"own"}),  # a person chose her
        (CHLOE, ANA, {"own"}),
        (CHLOE, CHLOE, {"own", "tracked"}),  # ours, and she is no longer in the pool
    ],
)
def test_an_owner_changes_as_the_policy_says(
    current: str | None, last_written: str | None, allowed_under: set[str]
) -> None:
    policies: tuple[Policy, ...] = ("own", "if_empty", "tracked", "never")
    found = {p for p in policies if may_assign(p, current, POOL, last_written, frozenset({"queue"}))}
    assert found == allowed_under
