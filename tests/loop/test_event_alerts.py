"""A rule that acts at once: one episode for each new occurrence, whatever the band."""

from collections.abc import Iterator

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.errors import ConfigError
from connector.pipeline import Options, Outcome
from tests.loop.channels import Channel, listening
from tests.loop.loops import Loop
from tests.loop.test_incremental_pull import add_call

ALERT = """
[[action]]
rule = "call"
owner = { pool = "sdr" }
task = { subject = "Ring back {{ name }} ({{ band }})", due = "15m" }
notify = { channel = "sales", text = "{{ name }} rang: {{ score }}" }
"""


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    with listening() as served:
        monkeypatch.setenv("LEADLIGHT_CHANNEL__SALES__URL", served.url)
        yield served


@pytest.fixture
def alert(synced: Loop, channel: Channel) -> Loop:
    return alerting(synced)


def alerting(loop: Loop, extra: str = "") -> Loop:
    """Let a call act at once; the pool is the one that the configuration has."""
    text = loop.config.read_text(encoding="utf-8")
    pool = text.split("[[pool]]")[1].split('id = "')[1].split('"')[0]
    added = ALERT.replace('"sdr"', f'"{pool}"') + extra
    loop.config.write_text(f'{text}\n{added}\n[[channel]]\nid = "sales"\n', encoding="utf-8")
    return loop


def changed_only(loop: Loop) -> Outcome:
    with open_job(loop.config, writer=True, writes_crm=True) as job:
        return pipeline.sync(job, Options(changed_only=True))


@pytest.mark.parametrize("how", ["all", "changed"])
def test_an_occurrence_gets_task_owner_and_notice_whatever_the_band(alert: Loop, channel: Channel, how: str) -> None:
    def run() -> Outcome:
        return alert.sync() if how == "all" else changed_only(alert)

    run()
    before = len(alert.tasks())
    person = alert.people()["p20"]
    add_call(alert, person["id"])
    alert.advance(60)
    outcome = run()
    assert outcome.plan is not None
    assert [(e.trigger, e.number) for e in outcome.plan.opened] == [("rule:call", 1)]
    (task,) = alert.tasks_of(person["id"])
    assert task["fields"][alert.words.subject].endswith("(cold)")
    assert len(alert.tasks()) == before + 1
    owner = alert.people()["p20"]["fields"][alert.words.owner]
    assert owner
    assert task["fields"][alert.words.owner] == owner
    assert len(channel.posts) == 1
    alert.advance(60)
    mark = alert.mark()
    run()
    assert alert.writes(mark) == []
    assert len(channel.posts) == 1


def test_what_happened_before_is_history(alert: Loop, channel: Channel) -> None:
    add_call(alert, alert.people()["p20"]["id"])
    alert.advance(2 * 86_400)
    outcome = alert.sync()
    assert outcome.plan is not None
    assert outcome.plan.opened == ()
    assert channel.posts == []


def test_the_first_run_of_a_store_tells_nothing(fresh: Loop, channel: Channel) -> None:
    alerting(fresh)
    add_call(fresh, fresh.people()["p20"]["id"])
    fresh.advance(60)
    outcome = fresh.sync()
    assert outcome.plan is not None
    assert "rule:call" in [episode.trigger for episode in outcome.plan.opened]
    assert fresh.tasks() == []
    assert channel.posts == []


def test_further_occurrences_are_told_after_the_cool_down(synced: Loop, channel: Channel) -> None:
    alert = alerting(synced, 'fresh = "7d"\n')
    alert.sync()  # tells the calls of the week, those of others
    before, person = len(channel.posts), alert.people()["p20"]
    for _ in range(2):  # at once, and an hour later
        add_call(alert, person["id"])
        alert.advance(3600)
        alert.sync()
    assert len(channel.posts) == before + 1
    alert.advance(2 * 86_400)
    alert.sync()  # what came within the cool-down is not told when it is over
    assert len(channel.posts) == before + 1
    add_call(alert, person["id"])
    alert.advance(3600)
    alert.sync()
    assert len(channel.posts) == before + 2
    assert len(alert.tasks_of(person["id"])) == 2


def test_a_band_and_an_event_of_the_same_run_choose_one_owner(alert: Loop, channel: Channel) -> None:
    person = alert.people()["p20"]
    alert.retitle("p20", "Chief Executive Officer")
    add_call(alert, person["id"])
    alert.advance(60)
    outcome = alert.sync()
    assert outcome.plan is not None
    assert outcome.plan.counts()["owners"] == 1
    tasks = alert.tasks_of(person["id"])
    owner = alert.people()["p20"]["fields"][alert.words.owner]
    assert [task["fields"][alert.words.owner] for task in tasks] == [owner, owner]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("cal", r"action\.cal: model titles has no such rule of events, did you mean 'call'\?"),
        ("chief", r"action\.chief: rule chief of model titles is about no event"),
    ],
)
@pytest.mark.parametrize("crm", ["hubspot"])
def test_a_rule_that_cannot_tell_is_named(synced: Loop, rule: str, said: str) -> None:
    text = synced.config.read_text(encoding="utf-8")
    wrong = ALERT.replace('"call"', f'"{rule}"').replace("owner = ", "# ").replace("notify = ", "# ")
    synced.config.write_text(f"{text}\n{wrong}", encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        synced.sync()
