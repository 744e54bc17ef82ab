"""Notices reach their channel once per episode, and a channel that fails fails no run."""

from collections.abc import Iterator
from typing import Any

import pytest

from connector.errors import ConfigError, RetryableError
from connector.pipeline import Outcome
from connector.store import outbox, quarantine
from connector.store.state import open_state
from tests.loop.channels import Channel, listening
from tests.loop.loops import CHIEF, Loop

TEXT = "{{ name }} is {{ band }} ({{ score }}) {{ url }}"


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    with listening() as served:
        monkeypatch.setenv("LEADLIGHT_CHANNEL__SALES__URL", served.url)
        yield served


def tell(loop: Loop, *, extra: str = "") -> None:
    """Let the hot band's action send a notice, too."""
    before = loop.config.read_text(encoding="utf-8")
    notify = f'notify = {{ channel = "sales", text = "{TEXT}" }}\n'
    text = before.replace('band = "hot"\n', f'band = "hot"\n{notify}', 1)
    loop.config.write_text(f'{text}\n[[channel]]\nid = "sales"\n{extra}', encoding="utf-8")


def heat(loop: Loop, *who: str) -> Outcome:
    """Let people become hot, and sync."""
    for one in who:
        loop.retitle(one, CHIEF)
    return loop.sync()


def notices(loop: Loop) -> list[tuple[str, str]]:
    """List the state and the reason of every notice."""
    state = open_state(loop.folder / "leadlight-store")
    try:
        rows = outbox.rows(state, ("planned", "inflight", "retry", "quarantined", "done"))
        return [(row.state, row.reason or "") for row in rows if row.kind == "notice"]
    finally:
        state.close()


def told(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = outcome.as_dict()["notices"]
    return found


@pytest.mark.signal("Slack")
@pytest.mark.fault("F34")
def test_somebody_who_becomes_hot_is_told_once(synced: Loop, channel: Channel) -> None:
    tell(synced)
    outcome = heat(synced, "p20")
    assert outcome.as_dict()["plan"]["notices"] == 1
    assert told(outcome) == {"sent": 1, "waiting": 0, "given_up": 0}
    (text,) = channel.texts
    person = synced.people()["p20"]
    assert "is hot (60)" in text
    assert person["id"] in text
    assert text.count("://") == 1  # the record's page, where the CRM shows it
    synced.advance(60)
    assert synced.sync().plan is not None
    assert len(channel.posts) == 1


def test_the_first_run_tells_nothing_of_who_was_hot_before(fresh: Loop, channel: Channel) -> None:
    tell(fresh)
    fresh.sync(backfill=True)
    assert channel.asked == 0


@pytest.mark.fault("F34")
def test_a_refused_notice_is_sent_by_a_later_run_and_fails_none(synced: Loop, channel: Channel) -> None:
    tell(synced)
    channel.behaviour = "refuse"
    outcome = heat(synced, "p20", "p21")
    assert (outcome.status, told(outcome)["waiting"], channel.asked) == ("ok", 2, 1)  # left alone after one failure
    assert outcome.applied is not None
    assert outcome.applied.rejected == outcome.applied.waiting == 0
    channel.behaviour = "take"
    synced.advance(60)
    assert told(synced.sync())["sent"] == 1  # the one that was refused waits, the other was not tried yet
    synced.advance(900)
    assert told(synced.sync())["sent"] == 1
    assert len(channel.posts) == 2
    assert len(set(channel.texts)) == 2


@pytest.mark.fault("F34")
@pytest.mark.parametrize("behaviour", ["hang", "lose"])
def test_a_lost_answer_never_tells_twice(synced: Loop, channel: Channel, behaviour: str) -> None:
    tell(synced)
    channel.behaviour = behaviour  # type: ignore[assignment] # one of its values
    outcome = heat(synced, "p20")
    assert (outcome.status, told(outcome)["given_up"], channel.asked) == ("ok", 1, 1)
    ((state, reason),) = notices(synced)
    assert state == "quarantined"
    assert "may have arrived" in reason
    channel.behaviour = "take"
    for _ in range(3):
        synced.advance(86_400 / 4)
        assert synced.sync().status == "ok"
    assert channel.asked == 1


def test_a_person_can_ask_for_a_doubtful_notice_again(synced: Loop, channel: Channel) -> None:
    tell(synced)
    channel.behaviour = "hang"
    heat(synced, "p20")
    channel.behaviour = "take"
    state = open_state(synced.folder / "leadlight-store")
    quarantine.retry(state)
    state.close()
    synced.advance(3 * 86_400)
    assert told(synced.sync())["sent"] == 1


@pytest.mark.fault("F34")
def test_a_process_that_ended_while_sending_tells_nobody_twice(synced: Loop, channel: Channel) -> None:
    tell(synced)
    channel.behaviour = "refuse"
    heat(synced, "p20")
    state = open_state(synced.folder / "leadlight-store")
    state.execute("UPDATE outbox SET state = 'inflight' WHERE kind = 'notice'")
    state.close()
    channel.behaviour = "take"
    synced.advance(900)
    synced.sync()
    assert channel.posts == []
    assert notices(synced)[0][0] == "quarantined"


def test_a_stale_notice_is_given_up(synced: Loop, channel: Channel) -> None:
    tell(synced)
    channel.behaviour = "refuse"
    heat(synced, "p20")
    channel.behaviour = "take"
    synced.advance(2 * 86_400)
    outcome = synced.sync()
    assert told(outcome) == {"sent": 0, "waiting": 0, "given_up": 1}
    assert outcome.status == "ok"
    assert notices(synced)[0][1].startswith("stale")
    assert channel.posts == []


def test_a_flood_becomes_one_message(synced: Loop, channel: Channel) -> None:
    tell(synced, extra="[notices]\nmax_per_run = 3\n")
    crowd = [f"p{number}" for number in range(10, 22)]
    outcome = heat(synced, *crowd)
    assert told(outcome)["sent"] == len(crowd)
    (text,) = channel.texts
    assert text.startswith(f"{len(crowd)} notices ({len(crowd)} hot); the first 10:")
    assert len(text.splitlines()) == 11


def test_what_a_stranger_typed_neither_mentions_nor_marks(synced: Loop, channel: Channel) -> None:
    tell(synced)
    name = {"salesforce": "LastName", "hubspot": "lastname"}[synced.crm]
    evil = "<!channel> @everyone [win](https://evil.example)\u202e <b>x</b>"
    synced.edit(synced.people()["p20"], **{name: evil})
    heat(synced, "p20")
    (text,) = channel.texts
    assert not any(word in text for word in ("<!", "@everyone", "](", "https://evil", "\u202e", "<b>"))
    assert "channel" in text


def test_a_crm_that_is_down_delays_no_alert(synced: Loop, channel: Channel) -> None:
    tell(synced)
    path = "/(composite/sobjects|crm/v3/objects/contacts/batch/update)"
    synced.fault("PATCH|POST", path, "before_commit", nth=list(range(1, 40)), status=503)
    with pytest.raises(RetryableError):
        heat(synced, "p20")
    assert len(channel.posts) == 1


def test_the_address_stays_secret(synced: Loop, channel: Channel, capfd: pytest.CaptureFixture[str]) -> None:
    tell(synced)
    channel.behaviour = "refuse"
    outcome = heat(synced, "p20")
    state = (synced.folder / "leadlight-store" / "state.db").read_bytes()
    assert b"json://" not in state
    heard = capfd.readouterr()
    assert "json://" not in str(outcome.plan) + heard.out + heard.err
    assert "/hook" not in heard.out + heard.err


def test_a_channel_without_an_address_is_named_before_anything_is_sent(synced: Loop) -> None:
    tell(synced)
    with pytest.raises(ConfigError, match="LEADLIGHT_CHANNEL__SALES__URL"):
        synced.sync()


def test_an_unknown_channel_is_named_with_its_nearest(synced: Loop, channel: Channel) -> None:
    tell(synced)
    text = synced.config.read_text(encoding="utf-8").replace('channel = "sales"', 'channel = "slaes"')
    synced.config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"action\[1\]\.notify\.channel: .*'slaes', did you mean 'sales'"):
        synced.sync()
