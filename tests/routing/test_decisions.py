"""Whom one record goes to: the first rule that fits, who keeps theirs, where records wait, and what is said of it."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

from connector.routing.decide import NO_RULE, Asked, Decision, Terms, decide, task_owner
from connector.routing.pools import Member, Pool, Route, RoutingTable, Target
from connector.routing.rota import Rota

ANA, BEN, ZOE, QUEUE = "005A", "005B", "005Z", "00G1"
NAMES = {ANA: "Ana", BEN: "Ben", ZOE: "Zoe", QUEUE: "Inbound"}
AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
SDR = Pool("sdr", (Member(ANA, "Ana"), Member(BEN, "Ben")))
AE = Pool("ae", (Member(ZOE, "Zoe"),))
LEAD = Asked("Lead", "L1", "hot", None, target=Target("pool", "sdr"))


def terms(*pools: Pool, routes: tuple[Route, ...] = (), working: tuple[str, ...] = (ANA, BEN, ZOE)) -> Terms:
    table = RoutingTable(routes, {pool.id: pool for pool in pools}, NAMES, frozenset(working), frozenset({QUEUE}))
    return Terms(table, "tracked", {QUEUE}, AT)


def rule(name: str, to: Target, *bands: str) -> Route:
    return Route(name, bands, (), None, to)


def asked(*places: int, **other: object) -> Asked:
    return replace(LEAD, target=None, places=places, **other)  # type: ignore[arg-type]  # names of its own fields


def owner_and_reason(found: Decision | None) -> tuple[str | None, str]:
    assert found is not None
    return found.owner, found.reason


def paused(pool: Pool, *who: str) -> Pool:
    return replace(pool, members=tuple(replace(one, paused=one.id in who) for one in pool.members))


def test_the_next_of_the_pool_is_told_with_who_was_passed_over() -> None:
    found = decide(terms(paused(SDR, ANA)), Rota(), LEAD)
    assert owner_and_reason(found) == (BEN, "pool sdr, Ben is next (Ana paused)")
    assert found is not None
    assert found.passed == {"sdr": {ANA: "paused"}}


def test_who_is_in_the_pool_or_was_chosen_by_a_person_stays() -> None:
    for current, last in ((ANA, None), (BEN, ANA), (ZOE, None), (ZOE, ANA)):
        assert decide(terms(SDR), Rota(), replace(LEAD, current=current, last_written=last)) is None
    found = decide(terms(SDR), Rota(), replace(LEAD, current=ZOE, last_written=ZOE))
    assert found is not None
    assert (found.before, found.owner) == (ZOE, ANA)


def test_the_first_rule_that_fits_the_band_decides() -> None:
    table = terms(
        SDR, AE, routes=(rule("warm", Target("pool", "sdr"), "warm"), rule("hot", Target("pool", "ae"), "hot"))
    )
    assert owner_and_reason(decide(table, Rota(), asked(0, 1))) == (ZOE, "rule hot, pool ae, Zoe is next")
    assert owner_and_reason(decide(table, Rota(), asked(0, 1, band="warm")))[1].startswith("rule warm, pool sdr, Ana")


def test_an_accounts_owner_is_passed_over_where_they_left() -> None:
    table = terms(SDR, routes=(rule("own", Target("account_owner")), rule("rest", Target("pool", "sdr"))))
    assert owner_and_reason(decide(table, Rota(), asked(0, 1, account_owner=ZOE))) == (ZOE, "rule own, Zoe")
    assert decide(table, Rota(), asked(0, 1, account_owner=ZOE, current=ZOE)) is None
    gone = decide(table, Rota(), asked(0, 1, account_owner="005LEFT"))
    assert owner_and_reason(gone)[0] == ANA
    assert owner_and_reason(gone)[1].endswith("Ana is next; passed over own (its account's owner is inactive)")
    assert owner_and_reason(decide(table, Rota(), asked(0, 1)))[1] == "rule rest, pool sdr, Ana is next"  # no account


def test_a_user_who_left_and_a_queue_that_cannot_own_are_passed_over() -> None:
    routes = (rule("zoe", Target("user", ZOE)), rule("queue", Target("queue", QUEUE)))
    assert owner_and_reason(decide(terms(routes=routes), Rota(), asked(0, 1)))[0] == ZOE
    without = terms(routes=routes, working=(ANA,))
    assert owner_and_reason(decide(without, Rota(), asked(0, 1))) == (
        QUEUE,
        "rule queue, Inbound; passed over zoe (Zoe is inactive)",
    )
    nobody = decide(without, Rota(), asked(0, 1, takes_queues=False))
    assert nobody is not None
    assert (nobody.kind, nobody.rule, nobody.owner) == ("held", NO_RULE, None)
    assert "queue (a queue cannot own a record of Lead)" in nobody.reason


def test_a_record_in_its_queue_is_where_it_belongs() -> None:
    table = terms(routes=(rule("queue", Target("queue", QUEUE)),))
    assert decide(table, Rota(), asked(0, current=QUEUE)) is None


def test_nobody_there_holds_the_record_or_asks_another_pool_or_gives_it_to_a_queue() -> None:
    away = paused(SDR, ANA, BEN)
    held = decide(terms(away), Rota(), LEAD)
    assert owner_and_reason(held) == (None, "pool sdr, waits, nobody is there (Ana paused; Ben paused)")
    other = terms(replace(away, fallback=Target("pool", "ae")), AE)
    assert owner_and_reason(decide(other, Rota(), LEAD)) == (ZOE, "pool ae, Zoe is next (Ana paused; Ben paused)")
    queue = terms(replace(away, fallback=Target("queue", QUEUE)))
    assert owner_and_reason(decide(queue, Rota(), LEAD))[0] == QUEUE
    assert decide(queue, Rota(), replace(LEAD, current=QUEUE)) is None
    contact = decide(queue, Rota(), replace(LEAD, object="Contact", takes_queues=False))
    assert contact is not None
    assert contact.kind == "held"


def test_a_record_that_another_pool_took_meanwhile_stays_there() -> None:
    table = terms(replace(SDR, fallback=Target("pool", "ae")), AE)
    assert decide(table, Rota(), replace(LEAD, current=ZOE, last_written=ZOE)) is None


def test_records_of_somebody_away_stay_unless_the_pool_says_otherwise() -> None:
    day = AT.date()
    away = replace(SDR, members=(Member(ANA, "Ana", away=((day, day),)), Member(BEN, "Ben")))
    theirs = replace(LEAD, current=ANA, last_written=ANA)
    assert decide(terms(away), Rota(), theirs) is None
    moving = terms(replace(away, reassign_away=True))
    assert owner_and_reason(decide(moving, Rota(), theirs))[0] == BEN
    assert decide(moving, Rota(), replace(theirs, last_written=None)) is None  # a person gave it to Ana


def test_a_choice_that_was_not_sent_is_kept_and_moves_nobody() -> None:
    rota = Rota()
    found = decide(terms(SDR), rota, replace(LEAD, promised=BEN))
    assert found is not None
    assert (found.owner, found.renewed, rota.pointers, rota.given) == (BEN, True, {}, {})
    gone = decide(terms(paused(SDR, BEN)), rota, replace(LEAD, promised=BEN))
    assert gone is not None
    assert (gone.owner, gone.renewed) == (ANA, False)


def test_open_records_are_counted_as_they_are_handed_out() -> None:
    capped = replace(SDR, members=(Member(ANA, "Ana", cap_open=1), Member(BEN, "Ben", cap_open=2)))
    rota = Rota(open_now={"sdr": Counter()})
    given = [decide(terms(capped), rota, replace(LEAD, record_id=f"L{n}")) for n in range(4)]
    assert [found.owner if found else "" for found in given] == [ANA, BEN, BEN, None]


def test_a_task_goes_to_somebody_who_can_do_it_and_counts_for_no_cap() -> None:
    rota = Rota()
    found = task_owner(terms(SDR), rota, LEAD)
    assert found is not None
    assert (found.kind, found.owner, rota.given) == ("task", ANA, {})
    assert task_owner(terms(routes=(rule("q", Target("queue", QUEUE)),)), rota, asked(0)) is None
    assert task_owner(terms(), rota, asked()) is None
