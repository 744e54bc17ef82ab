"""A stretch of time through a table: hours and caps as they were then, and what would differ."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.hours import Calendar, parse_openings
from connector.routing.decide import Asked, Terms
from connector.routing.pools import Member, Pool, RoutingTable, Target
from connector.routing.replay import Arrival, differences, report, simulate

ANA, BEN, QUEUE = "005A", "005B", "00G1"
NAMES = {ANA: "Ana", BEN: "Ben", QUEUE: "Inbound"}
MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY = Calendar(ZoneInfo("UTC"), parse_openings(["mon-fri 09:00-17:00"]))
SDR = Pool("sdr", (Member(ANA, "Ana", hours=DAY), Member(BEN, "Ben", hours=DAY, cap_day=1)))


def terms(pool: Pool) -> Terms:
    table = RoutingTable((), {"sdr": pool}, NAMES, frozenset({ANA, BEN}), frozenset({QUEUE}))
    return Terms(table, "tracked", (), MONDAY)


def lead(number: int, hours: float, owner_now: str | None = None, *, by_person: bool = False) -> Arrival:
    asked = Asked("Lead", f"L{number}", "hot", None, target=Target("pool", "sdr"))
    return Arrival(MONDAY + timedelta(hours=hours), asked, owner_now, by_person)


def test_leads_wait_for_the_morning_and_go_out_in_their_order() -> None:
    come = [lead(3, 2), lead(1, 0), lead(2, 0.5)]
    found = simulate(terms(SDR), come, MONDAY + timedelta(days=1))
    assert [(one.decision.record_id, one.decision.owner) for one in found] == [("L1", ANA), ("L2", BEN), ("L3", ANA)]
    assert [one.waited for one in found] == [timedelta(hours=1), timedelta(minutes=30), timedelta()]


def test_a_cap_of_a_day_holds_back_until_it_is_over() -> None:
    capped = replace(SDR, members=(Member(BEN, "Ben", cap_day=1),))
    found = simulate(terms(capped), [lead(n, n) for n in range(4)], MONDAY + timedelta(hours=71))
    gaps = [one.arrival.at + one.waited for one in found if one.decision.owner]
    assert len(gaps) == 3  # the fourth waits to the end
    assert all(later - sooner >= timedelta(hours=24) for sooner, later in itertools.pairwise(gaps))
    told = report(found, NAMES)
    assert (told["leads"], told["waited"], told["waiting_at_the_end"]) == (4, 2, 1)
    assert told["owners"] == [{"owner": BEN, "name": "Ben", "records": 3, "share": 1.0, "most_in_a_day": 1}]
    assert told["longest_wait_s"] >= 46 * 3600


def test_the_same_leads_give_the_same_owners() -> None:
    come = [lead(n, n / 3, owner_now=QUEUE) for n in range(40)]
    until = MONDAY + timedelta(days=2)
    assert simulate(terms(SDR), come, until) == simulate(terms(SDR), come[::-1], until)


def test_what_differs_from_the_crm_and_from_another_table() -> None:
    come = [lead(1, 2, ANA, by_person=True), lead(2, 3, ANA)]
    present = simulate(terms(SDR), come, MONDAY + timedelta(days=1))
    (differs,) = differences(present, None)
    assert (differs["record_id"], differs["from"], differs["to"]) == ("L2", ANA, BEN)
    queue = simulate(terms(replace(SDR, members=(), fallback=Target("queue", QUEUE))), come, MONDAY)
    moved = [(row["from"], row["to"]) for row in differences(present, queue)]
    assert moved == [(ANA, QUEUE), (BEN, QUEUE)]
    assert report(present, NAMES)["owned_by_people"] == 1
