"""When the daemon runs: nights in which the clock is changed, and times that were slept through."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from connector.daemon import OncePerWallTime, Turns, scheduler_of
from connector.settings.file import load_settings
from tests.loop.loops import Loop

NEW_YORK = ZoneInfo("America/New_York")
DAYS_BEFORE = (datetime(2026, 10, 31, 12, tzinfo=NEW_YORK), datetime(2026, 3, 7, 12, tzinfo=NEW_YORK))


def fires(expression: str, start: datetime, days: int) -> list[datetime]:
    """List when a schedule fires, in UTC."""
    trigger = OncePerWallTime(CronTrigger.from_crontab(expression, timezone=NEW_YORK), expression)
    found: list[datetime] = []
    last, now = None, start
    while (at := trigger.get_next_fire_time(last, now)) is not None and at < start + timedelta(days=days):
        found.append(at.astimezone(UTC))
        last, now = at, at.astimezone(UTC) + timedelta(seconds=1)
    return found


@pytest.mark.fault("F16")
@pytest.mark.parametrize("expression", ["30 1 * * *", "30 2 * * *"])
@pytest.mark.parametrize(
    "start", [datetime(2026, 10, 31, 12, tzinfo=NEW_YORK), datetime(2026, 3, 7, 12, tzinfo=NEW_YORK)]
)
def test_a_daily_run_happens_once_in_the_night_in_which_the_clock_changes(expression: str, start: datetime) -> None:
    found = fires(expression, start, 2)
    assert len(found) == 2
    assert timedelta(hours=22) < found[1] - found[0] < timedelta(hours=26)


@pytest.mark.fault("F16")
def test_a_run_of_every_hour_goes_on_through_the_hour_that_comes_twice() -> None:
    found = fires("0 * * * *", datetime(2026, 10, 31, 12, tzinfo=NEW_YORK), 1)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(hours=1)}


@pytest.mark.fault("F35")
@pytest.mark.parametrize("crm", ["hubspot"])
def test_one_run_makes_up_for_all_that_were_slept_through(synced: Loop) -> None:
    settings = load_settings(synced.config)
    daily = settings.model_copy(update={"schedule": settings.schedule.model_copy(update={"sync": "0 3 * * *"})})
    runs: list[bool] = []
    ended = threading.Event()

    def run(changed_only: bool) -> bool:
        runs.append(changed_only)
        ended.set()
        return True

    scheduler: BackgroundScheduler = scheduler_of(daily, Turns(run))
    scheduler.start(paused=True)
    try:
        scheduler.get_job("sync").modify(next_run_time=datetime.now(UTC) - timedelta(days=3))
        scheduler.resume()
        assert ended.wait(30)
        assert scheduler.get_job("sync").next_run_time > datetime.now(UTC)
    finally:
        scheduler.shutdown(wait=True)
    assert len(runs) == 1
