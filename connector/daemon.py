"""The daemon: sync on a schedule, one run at a time, and an end that loses nothing."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Final

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

from connector.compose import open_job
from connector.errors import LeadlightError
from connector.feeds.inbox import has_inbox, serving
from connector.pipeline import Options, sync
from connector.settings.checks import OFF
from connector.settings.file import Settings
from connector.store.lock import hold
from connector.training.process import train_due

log = structlog.get_logger()
GRACE_S: Final = 20.0  # service managers kill after 25 to 90 s


def serve(config: Path, settings: Settings, grace_s: float = GRACE_S) -> None:
    """Run until SIGTERM or SIGINT: the batch that is under way is finished, the rest waits in the outbox.

    A batch that is not done within grace_s seconds is left to the next run; a second signal ends the process at once.

    A second daemon on the same store is refused (Locked); one-off commands work between its runs. Missed times are
    made up for by one run, and one run follows the start at once. That one and those of schedule.rescore score
    everybody, those of schedule.sync whoever changed. At train.schedule trained models are looked after, beside them.
    """
    stop = threading.Event()
    with hold(Path(settings.store.path) / "daemon"):
        turns = Turns(lambda changed_only: run_once(config, stop, changed_only=changed_only))
        scheduler = scheduler_of(settings, turns, lambda: train_due(config, stop))
        _end_on_signals(stop, grace_s)
        with serving(settings) if has_inbox(settings.feed) else nullcontext("") as inbox:
            scheduler.start()
            log.info("daemon started", sync=settings.schedule.sync, rescore=settings.schedule.rescore, inbox=inbox)
            stop.wait()
        log.info("daemon stopping")
        scheduler.shutdown(wait=True)


class OncePerWallTime(BaseTrigger):  # type: ignore[misc] # APScheduler ships no types
    """Fire at a named hour once, also in the night in which the clock shows it twice."""

    def __init__(self, cron: CronTrigger, expression: str) -> None:
        self._cron = cron
        self._names_hours = "*" not in expression.split()[1]

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Give the next time; an expression that names no hour goes on through the repeated one."""
        found: datetime | None = self._cron.get_next_fire_time(previous, now)
        while found is not None and self._names_hours and found.fold:
            found = self._cron.get_next_fire_time(found, found.astimezone(UTC) + timedelta(seconds=1))
        return found


class Turns:
    """Let one sync run at a time; a time that comes while one runs is left out, but a rescore is not forgotten.

    run is asked to score only what changed, or everybody, and tells whether it came to its end.
    """

    def __init__(self, run: Callable[[bool], bool]) -> None:
        self._run = run
        self._gate = threading.Lock()
        self._everybody = threading.Event()
        self._everybody.set()

    def rescore(self) -> None:
        """Score everybody, now or with the next sync."""
        self._everybody.set()
        self.sync()

    def sync(self) -> None:
        """Score what changed, or everybody where that is due."""
        if not self._gate.acquire(blocking=False):
            return
        is_due, ended = self._everybody.is_set(), False
        self._everybody.clear()
        try:
            ended = self._run(not is_due)
        finally:
            if is_due and not ended:
                self._everybody.set()
            self._gate.release()


def run_once(config: Path, stop: threading.Event, *, changed_only: bool) -> bool:
    """Run one sync and log how it ended; an error waits for the next time and never ends the daemon.

    Tells whether the sync came to its end.
    """
    if stop.is_set():
        return False
    try:
        with open_job(config, writer=True, writes_crm=True, stop=stop) as job:
            outcome = sync(job, Options(changed_only=changed_only))
    except LeadlightError as error:
        log.error("sync ended early", error=type(error).__name__, message=error.message, exit_code=error.exit_code)
        return False
    log.info("sync ended", **outcome.as_dict())
    return True


def scheduler_of(settings: Settings, turns: Turns, train: Callable[[], None] | None = None) -> BackgroundScheduler:
    """Make the schedule; times that were missed become one. train is what looks after trained models, beside syncs."""
    # One gate for both times: APScheduler's max_instances counts per job, and two syncs must never overlap.
    zone = settings.schedule.zone
    scheduler = BackgroundScheduler(
        timezone=zone, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    schedule = settings.schedule
    for name, expression, turn in (("sync", schedule.sync, turns.sync), ("rescore", schedule.rescore, turns.rescore)):
        trigger = OncePerWallTime(CronTrigger.from_crontab(expression, timezone=zone), expression)
        first = {"next_run_time": datetime.now(UTC)} if name == "sync" else {}
        scheduler.add_job(turn, trigger, id=name, **first)
    if train is not None and settings.train.schedule != OFF:
        trigger = OncePerWallTime(
            CronTrigger.from_crontab(settings.train.schedule, timezone=zone), settings.train.schedule
        )
        scheduler.add_job(train, trigger, id="train")
    scheduler.add_listener(_tell, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
    return scheduler


def _tell(event: JobExecutionEvent) -> None:
    log.warning("scheduled job did not run", job=event.job_id, code=event.code)


def _end_on_signals(stop: threading.Event, grace_s: float) -> None:
    """End at the first signal, once the batch under way is done or the grace is over; at the second one at once."""
    numbers = (signal.SIGTERM, signal.SIGINT)

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        timer = threading.Timer(grace_s, _give_up)
        timer.daemon = True
        timer.start()

    for number in numbers:
        signal.signal(number, end)


def _give_up() -> None:
    """Leave a request that does not end: its rows are in flight, and the next run looks for them in the CRM."""
    log.warning("daemon ended before the CRM answered; the next run looks at what was under way")
    os._exit(0)
