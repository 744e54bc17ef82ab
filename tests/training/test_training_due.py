"""When a trained model is due to be trained again, and what is told while it is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.daemon import Turns, scheduler_of
from connector.errors import ConfigError
from connector.settings.file import load_settings
from connector.settings.training import TrainSettings
from connector.store.versions import Version
from connector.training.drift import Matured, Measured
from connector.training.due import Attempt, Known, Looked, decide, looked_of
from scoring.predict.drift import Drift
from tests.training.test_training_drift import TRAINED, table

MATURED = Matured(500, 100, 0, 0, None, conversions_since=25, days_since=50.0)
CALM = Drift(None, None, None, None, None, (), ())
ALARM = replace(CALM, alarms=("scores moved: PSI 0.40, the limit is 0.25",))
SETTINGS = TrainSettings()
MINIMAL = """
config_version = 1
[crm]
kind = "salesforce"
instance_url = "https://acme.my.salesforce.com"
[[model]]
file = "preset:simple"
"""


def known(days: int, drift: Drift = CALM, matured: Matured = MATURED, waiting: Version | None = None) -> Known:
    measured = Measured(table(), drift, matured, 1000, ())
    return Known(measured, waiting, waiting, TRAINED + timedelta(days=days))


def version(days: int) -> Version:
    at = TRAINED + timedelta(days=days)
    return Version(
        "m", "abc", "candidate", at, "train", None, None, {"as_of": at.strftime("%Y-%m-%dT%H:%M:%S.000000Z")}
    )


@pytest.mark.parametrize(
    ("asked", "due", "told"),
    [
        (known(10), False, "10 days old, train.max_age_days is 30: 03 Mar 2025"),
        (known(30), True, "30 days old"),
        (known(60, matured=replace(MATURED, conversions_since=10)), False, "10 conversions have matured since"),
        (known(60, matured=replace(MATURED, conversions_since=10)), False, "about 22 May 2025"),
        (known(60, matured=replace(MATURED, conversions_since=0)), False, "no day can be named yet"),
        (known(10, ALARM), True, "fits no more: scores moved"),
        (
            known(10, ALARM, replace(MATURED, people=20, ready_at=TRAINED)),
            False,
            "20 of 100 people): about 01 Feb 2025",
        ),
        (known(10, ALARM, waiting=version(8)), False, "version abc waits: leadlight model use abc"),
        (known(40, waiting=version(35)), False, "5 days old"),
    ],
)
def test_it_is_due_by_age_or_by_drift_and_else_says_what_it_waits_for(asked: Known, due: bool, told: str) -> None:
    found = decide(asked, None, SETTINGS)
    assert bool(found[0]) is due
    assert told in " ".join(found[0] if due else found[1])
    assert not (found[0] and found[1])


def test_drift_asks_for_nothing_where_that_is_switched_off() -> None:
    assert decide(known(10, ALARM), None, TrainSettings(retrain_on_drift=False))[0] == ()


def test_it_is_tried_once_a_week_however_it_ended() -> None:
    last = Attempt((TRAINED + timedelta(days=31)).isoformat(), ("it is 31 days old",), "refused", None, ("too few",))
    due, waits = decide(known(34), last, SETTINGS)
    assert due == ()
    assert "refused), the next 11 Mar 2025" in waits[0]
    assert decide(known(38), last, SETTINGS)[0] != ()


def test_what_is_kept_comes_back_as_it_was() -> None:
    attempt = Attempt("2025-03-04T00:00:00Z", ("it is 31 days old",), "failed", None, ("needs the extra `train`",))
    looked = Looked("m", "2025-03-04T00:00:00Z", (), ("a", "b"), attempt, 412)
    assert looked_of(looked.as_dict() | {"attempt": attempt.__dict__}) == looked
    said = " ".join(looked.lines())
    assert "ended: failed" in said
    assert "412 vendors' attributes are due" in said
    assert "needs the extra `train`" in said
    assert datetime.fromisoformat(looked.as_of).tzinfo == UTC


@pytest.mark.parametrize(("schedule", "is_there"), [("40 3 * * *", True), ("off", False)])
def test_the_daemon_looks_after_models_on_a_schedule_of_their_own(
    tmp_path: Path, schedule: str, is_there: bool
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'{MINIMAL}\n[train]\nschedule = "{schedule}"\n', encoding="utf-8")
    done: list[str] = []
    scheduler = scheduler_of(load_settings(file), Turns(lambda _: True), lambda: done.append("train"))
    job = scheduler.get_job("train")
    assert (job is not None) is is_there
    if job is not None:
        job.func()
        assert done == ["train"]


def test_a_schedule_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'{MINIMAL}\n[train]\nschedule = "monthly"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="no cron expression"):
        load_settings(file)
