"""Pools and rules as the CRM's own ids: people who left, names nobody has, owners whom a person chose."""

import pytest

from connector.crm.base import Owner
from connector.routing.pools import may_assign, resolve_table
from connector.settings.hours import HoursSettings
from connector.settings.routing import PoolSettings, RouteSettings
from mappings.targets import Policy

ANA, BEN, CHLOE = "005A", "005B", "005C"
OWNERS = (
    Owner(ANA, "Ana", "Ana@acme.example", active=True, timezone="America/New_York"),
    Owner(BEN, "Ben", "ben@acme.example", active=False),
    Owner("00G1", "Inbound", None, active=True, queue=True),
)


def pool(**said: object) -> PoolSettings:
    return PoolSettings.model_validate({"id": "sdr", **said})


def test_pools_name_people_by_address_or_id_and_know_who_left() -> None:
    table, problems = resolve_table((), [pool(owners=["ana@ACME.example", "ben@acme.example", "00g1"])], (), OWNERS)
    assert problems == []
    assert [member.id for member in table.pools["sdr"].members] == [ANA, BEN, "00G1"]
    assert table.pools["sdr"].active == (ANA, "00G1")
    assert table.working == {ANA}


def test_a_member_has_what_the_pool_says_unless_they_say_otherwise() -> None:
    named = [ANA, {"owner": BEN, "cap_day": 3, "weight": 2, "away": ["2026-08-03/2026-08-21", "2026-12-24"]}]
    table, _ = resolve_table(
        (), [pool(owners=named, cap_day=9, hours="day")], [HoursSettings(id="day", timezone="Europe/Berlin")], OWNERS
    )
    ana, ben = table.pools["sdr"].members
    assert (ana.cap_day, ana.weight, ben.cap_day, ben.weight) == (9, 1, 3, 2)
    assert [str(first) for first, _ in ben.away] == ["2026-08-03", "2026-12-24"]
    assert ana.hours is not None
    assert ben.hours is not None
    assert (str(ana.hours.zone), str(ben.hours.zone)) == ("America/New_York", "Europe/Berlin")
    assert table.hours == {ANA: "day", BEN: "day"}


def test_all_unknown_owners_are_named_with_the_nearest() -> None:
    pools = [
        pool(owners=["zzz", "anna@acme.example"], when_nobody={"queue": "Inbond"}),
        pool(id="twice", owners=[ANA, "ana@acme.example"]),
    ]
    rules = [
        RouteSettings.model_validate({"id": "one", "to": {"queue": "ana@acme.example"}}),
        RouteSettings.model_validate({"id": "two", "to": {"user": "X"}}),
    ]
    _, problems = resolve_table(rules, pools, (), OWNERS)
    assert problems == [
        "[[pool]] sdr: owner 'zzz' is no user or queue of this CRM",
        "[[pool]] sdr: owner 'anna@acme.example' is no user or queue of this CRM, did you mean 'ana@acme.example'?",
        "[[pool]] sdr when_nobody: owner 'Inbond' is no queue of this CRM, did you mean 'inbound'?",
        "[[pool]] twice: owner 'ana@acme.example' is in it twice; give a weight instead",
        "[[route]] one: owner 'ana@acme.example' is no queue of this CRM",
        "[[route]] two: owner 'X' is no user or queue of this CRM",
    ]


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
    found = {p for p in policies if may_assign(p, current, {ANA, BEN}, last_written, frozenset({"queue"}))}
    assert found == allowed_under
