"""What a run may take: pauses that the CRM asks for, calls of the day, time; and the CRM's clock, which may jump."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
import stamina

from connector import pipeline
from connector.compose import open_job
from connector.errors import OutOfTime, QuotaExhausted
from connector.job import Job
from connector.pipeline import Options
from tests.loop.loops import CHIEF, CLERK, HOT, Loop, written_state

RECORDS = {"salesforce": r"/composite/sobjects$", "hubspot": r"/contacts/batch/update$"}
BUSY: dict[str, object] = {
    "status": 429,
    "headers": {"Retry-After": "2"},
    "body": {"status": "error", "message": "slow down", "policyName": "SECONDLY"},
}


def set_limit(loop: Loop, line: str) -> None:
    """Set a limit of the configuration."""
    text = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(text.replace("[limits]", f"[limits]\n{line}"), encoding="utf-8")


@dataclass
class Between:
    """Let something happen as a stage begins; the job is given after it was opened."""

    stage: str
    act: Callable[[Job], object]
    job: list[Job] = field(default_factory=list)

    def begin(self, name: str) -> None:
        """Hear that a stage begins."""
        if name == self.stage:
            self.act(self.job[0])

    def advance(self, n: int) -> None:
        """Go on."""


def run(loop: Loop, stage: str, act: Callable[[Job], object]) -> pipeline.Outcome:
    """Run a sync during which something happens."""
    between = Between(stage, act)
    with open_job(loop.config, writer=True, writes_crm=True, progress=between) as job:
        between.job.append(job)
        return pipeline.sync(job, Options(backfill_tasks=True))


def sleeps_by_the_crms_clock(loop: Loop) -> Callable[[Job], None]:
    """Let pauses pass on the sandbox's clock alone."""

    def replace(job: Job) -> None:
        client: Any = job.crm
        holder = client.gateway if loop.crm == "salesforce" else client.client.session
        holder.sleep = loop.advance

    return replace


@pytest.mark.fault("F1", "I1", "I2", "I3")
def test_twenty_pauses_are_made_and_spend_no_attempt(fresh: Loop, expected: dict[str, object]) -> None:
    numbers = list(range(1, 21))
    fresh.control("faults", [{"match": {"path_re": RECORDS[fresh.crm], "nth": numbers}, "act": BUSY}])
    with stamina.set_testing(False):
        outcome = run(fresh, "plan", sleeps_by_the_crms_clock(fresh))
    assert outcome.status == "ok"
    assert written_state(fresh) == expected
    asked = [row for row in fresh.journal() if row["path"] and row["path"].endswith(("/composite/sobjects", "/update"))]
    refused = [datetime.fromisoformat(row["at"]) for row in asked if row["status"] == 429]
    assert len(refused) == 20
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(refused)]
    assert min(gaps) >= 2
    assert fresh.waiting() == []


@pytest.mark.fault("F2", "I2", "I3")
@pytest.mark.parametrize("left", [1, 5, 10])
def test_a_run_stops_with_the_last_call_of_the_day(fresh: Loop, expected: dict[str, object], left: int) -> None:
    used: list[int] = []

    def cut(_job: Job) -> None:
        used.append(fresh.control("stats")["requests"])
        numbers = list(range(left + 1, left + 60))
        fresh.control("faults", [{"match": {"path_re": "/", "nth": numbers}, "act": GONE[fresh.crm]}])

    with pytest.raises(QuotaExhausted) as raised:
        run(fresh, f"pull {fresh.words.people[0]}", cut)
    assert raised.value.exit_code == 75
    assert fresh.control("stats")["requests"] - used[0] == left + 1
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    fresh.sync(backfill=True)
    assert fresh.waiting() == []
    assert written_state(fresh) == expected


GONE: dict[str, dict[str, object]] = {
    "salesforce": {
        "status": 403,
        "body": [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
    },
    "hubspot": {"status": 429, "body": {"status": "error", "message": "daily", "policyName": "DAILY"}},
}


@pytest.mark.fault("F6", "I2")
def test_a_server_that_says_nothing_ends_the_run_when_its_time_is_over(
    fresh: Loop, expected: dict[str, object]
) -> None:
    def hurry(job: Job) -> None:
        job.crm.calls.ends_at_s = time.monotonic() + 0.5

    fresh.control("faults", [{"match": {"path_re": RECORDS[fresh.crm]}, "act": {"hang_s": 60}}])
    with pytest.raises(OutOfTime) as raised:
        run(fresh, "apply", hurry)
    assert raised.value.exit_code == 75
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    fresh.sync(backfill=True)
    assert fresh.waiting() == []
    assert written_state(fresh) == expected


@pytest.mark.fault("F6")
def test_a_run_has_the_time_that_the_configuration_gives_it(synced: Loop) -> None:
    set_limit(synced, 'run_timeout = "0s"')
    mark = synced.mark()
    with pytest.raises(OutOfTime, match="run_timeout"):
        synced.sync()
    assert synced.writes(mark) == []


@pytest.mark.fault("F16", "I5", "I9")
def test_a_clock_that_is_set_back_hides_nothing(synced: Loop) -> None:
    synced.advance(-3600)
    synced.retitle("p20", CHIEF)
    synced.retitle("p00", CLERK)
    synced.sync()
    synced.advance(7200)
    synced.sync()
    bands = {who: person["fields"][synced.words.band] for who, person in synced.people().items()}
    assert {who for who, band in bands.items() if band == "hot"} == {*HOT, "p20"} - {"p00"}
    scores = [float(person["fields"][synced.words.score]) for person in synced.people().values()]
    assert max(scores) <= 60  # no age is negative: nothing weighs more than its points
