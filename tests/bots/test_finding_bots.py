"""What gives a machine away, judged by a plain reading of the same rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.bots.find import HONEYPOT_S, OPENED_DAYS, findings, prepare
from connector.settings.bots import BotSettings

BASE_S = 1_780_000_000
DAY_S = 86_400
TRACKED = {"email_open", "email_click", "page_view"}


@dataclass(frozen=True)
class Seen:
    """One event as the store holds it; the times are seconds after a start."""

    id: str
    at_s: int
    type: str = "email_click"
    who: str = "p1"
    url: str | None = None
    asset: str | None = None
    props: str | None = None
    is_bot: bool | None = None


def judged(events: Sequence[Seen], bots: BotSettings) -> dict[str, str]:
    """Give the reason of each event that is taken for a machine's."""
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(
            "CREATE TABLE events (event_id VARCHAR, occurred_at TIMESTAMPTZ, type VARCHAR, person_id VARCHAR, "
            "account_id VARCHAR, url VARCHAR, asset VARCHAR, props VARCHAR, is_bot BOOLEAN)"
        )
        for e in events:
            row = [e.id, BASE_S + e.at_s, e.type, e.who, e.url, e.asset, e.props, e.is_bot]
            engine.execute("INSERT INTO events VALUES (?, to_timestamp(?), ?, ?, NULL, ?, ?, ?, ?)", row)
        columns = [row[0] for row in engine.execute("DESCRIBE events").fetchall()]
        prepare(engine, bots, "events", columns)
        rows = engine.execute(f"SELECT event_id, reason FROM ({findings(engine, bots)})").fetchall()  # noqa: S608 - our own text
    found = dict(rows)
    assert len(found) == len(rows)
    return found


def plainly(events: Sequence[Seen], bots: BotSettings) -> set[str]:
    """Judge links, bursts, honeypots and unopened mails event by event."""
    return {e.id for e in events if not e.is_bot and _is_machine(e, [o for o in events if o.who == e.who], bots)}


def _is_machine(event: Seen, own: Sequence[Seen], bots: BotSettings) -> bool:
    traps = [o for o in own if any(trap in (o.url or "").lower() for trap in bots.honeypots)]
    if event in traps or (event.type in TRACKED and any(abs(t.at_s - event.at_s) <= HONEYPOT_S for t in traps)):
        return True
    if event.type == "email_click" and bots.links:
        clicks = [o for o in own if o.type == "email_click"]
        for end in (o.at_s for o in clicks if 0 <= o.at_s - event.at_s <= bots.links_s):
            inside = {(o.url or o.id).lower() for o in clicks if 0 <= end - o.at_s <= bots.links_s}
            if len(inside) >= bots.links:
                return True
    if event.type in TRACKED and bots.burst:
        tracked = [o for o in own if o.type in TRACKED]
        for end in (o.at_s for o in tracked if 0 <= o.at_s - event.at_s <= bots.burst_s):
            if sum(0 <= end - o.at_s <= bots.burst_s for o in tracked) >= bots.burst:
                return True
    return event.type == "email_click" and event.asset is not None and _is_unopened(event, own, bots)


def _is_unopened(click: Seen, own: Sequence[Seen], bots: BotSettings) -> bool:
    before = [o for o in own if o.asset == click.asset and 0 <= click.at_s - o.at_s <= OPENED_DAYS * DAY_S]
    if bots.unopened == "never" or any(o.type == "email_open" and not o.is_bot for o in before):
        return False
    sent = max((o.at_s for o in before if o.type == "email_sent"), default=None)
    return bots.unopened == "always" or (sent is not None and click.at_s - sent <= bots.unopened_s)


events_of = st.lists(
    st.builds(
        Seen,
        id=st.just(""),
        at_s=st.one_of(st.integers(0, 12), st.integers(0, 900), st.integers(0, 40 * DAY_S)),
        type=st.sampled_from(
            ["email_open", "email_click", "email_click", "page_view", "email_sent", "form_submission"]
        ),
        who=st.sampled_from(["p1", "p2"]),
        url=st.sampled_from([None, "/a", "/b", "/c", "/hp/x"]),
        asset=st.sampled_from([None, "may", "june"]),
        is_bot=st.sampled_from([None, None, False, True]),
    ),
    max_size=14,
).map(lambda rows: [replace(row, id=f"e{n}") for n, row in enumerate(rows)])
bots_of = st.builds(
    BotSettings,
    links=st.integers(0, 3),
    burst=st.integers(0, 5),
    unopened=st.sampled_from(["soon", "always", "never"]),
    honeypots=st.sampled_from([(), ("/hp/",)]),
)


@settings(max_examples=80, deadline=None)
@given(events_of, bots_of)
def test_what_is_found_is_what_a_plain_reading_finds(events: list[Seen], bots: BotSettings) -> None:
    assert set(judged(events, bots)) == plainly(events, bots)


def test_each_finding_says_why() -> None:
    bots = BotSettings(honeypots=("/hp/",), networks=("203.0.113.0/24", "2001:db8::/32"), links=3, burst=4)
    events = [
        Seen("trap", 0, "page_view", "a", "https://x.example/HP/1"),
        Seen("beside", 200, "email_open", "a"),
        Seen("agent", 0, "form_submission", "b", props='{"user_agent": "Mozilla/5.0 (compatible; SomeBot/2.1)"}'),
        Seen("network", 0, "page_view", "c", props='{"ip": "203.0.113.9"}'),
        Seen("six", 0, "page_view", "c", props='{"ip": "2001:db8::1"}'),
        Seen("home", 900, "page_view", "c", props='{"ip": "198.51.100.7"}'),
        Seen("no address", 1900, "page_view", "c", props='{"ip": "unknown"}'),
        *(Seen(f"link{n}", n, "email_click", "d", f"/{n}") for n in range(3)),
        *(Seen(f"view{n}", n, "page_view", "e", "/same") for n in range(4)),
        Seen("sent", 0, "email_sent", "f", asset="May"),
        Seen("unopened", 5, "email_click", "f", "/x", "May"),
    ]
    found = judged(events, bots)
    assert found == {
        "trap": "followed a link that is hidden from people",
        "beside": "within 300 s of following a link that is hidden from people",
        "agent": "the program that came is a machine's",
        "network": "came from the network of a data centre",
        "six": "came from the network of a data centre",
        **dict.fromkeys(["link0", "link1", "link2"], "3 or more links within 2 s"),
        **dict.fromkeys([f"view{n}" for n in range(4)], "4 or more opens, clicks and page views within 10 s"),
        "unopened": "clicked in a mail that was never opened, within 60 s of its sending",
    }


def test_people_are_not_taken_for_machines() -> None:
    reading = [Seen(f"v{n}", 7 * n, "page_view", url=f"/{n}") for n in range(40)]
    mail = [
        Seen("s", 0, "email_sent", asset="m"),
        Seen("o", 5, "email_open", asset="m"),
        Seen("c", 9, asset="m", url="/a"),
    ]
    twice = [Seen("c2", 9, asset="m", url="/a"), Seen("c3", 10, asset="m", url="/a")]
    blocked_images = [Seen("late", 7200, asset="m2", url="/b"), Seen("s2", 0, "email_sent", asset="m2")]
    assert judged([*reading, *mail, *twice, *blocked_images], BotSettings()) == {}


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [("networks", ["10.0.0.0/33"], "not a network"), ("honeypots", [" "], "blank"), ("links_s", 0, "greater than 0")],
)
def test_settings_that_cannot_be_meant_are_refused(key: str, value: object, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        BotSettings.model_validate({key: value})
