"""When a trained model is to be trained again: by its age, or because it fits no more; and how the last try ended."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from connector.settings.training import TrainSettings
from connector.store import facts as kept_facts
from connector.store import versions
from connector.store.state import store_errors

if TYPE_CHECKING:  # what measures brings the compiler along, which looking at a store does without
    from connector.training.drift import Measured

AGAIN_DAYS: Final = 7
_FACT: Final = "training@"
_DAY: Final = timedelta(days=1)

Ended = Literal["started", "refused", "failed", "candidate", "in_use", "retired", "superseded"]


@dataclass(frozen=True)
class Attempt:
    """Describe a training that was due: as of when, why, and how it ended; `why_not` says what is missing or wrong."""

    as_of: str
    because: tuple[str, ...]
    ended: Ended = "started"
    version: str | None = None
    why_not: tuple[str, ...] = ()

    @property
    def again_at(self) -> datetime:
        """Tell from when on it may be tried again."""
        return datetime.fromisoformat(self.as_of) + AGAIN_DAYS * _DAY

    def lines(self, model_id: str) -> Iterator[str]:
        """Tell it to people."""
        ended = "it began and did not end" if self.ended == "started" else f"it ended: {self.ended}"
        version = f", version {self.version}" if self.version else ""
        yield f"training of {model_id}, last as of {self.as_of}, since {'; '.join(self.because)}: {ended}{version}"
        yield from (f"  {why}" for why in self.why_not)
        if self.ended in ("started", "failed", "refused"):
            yield f"  tried again from {self.again_at:%d %b %Y} on; leadlight train --config FILE tries now"


@dataclass(frozen=True)
class Looked:
    """Say whether a model is due, as of when: reasons to train, or what it waits for; and the last attempt.

    attributes_due counts vendors' attributes that were to be looked up again by then.
    """

    model_id: str
    as_of: str
    due: tuple[str, ...]
    waits: tuple[str, ...]
    attempt: Attempt | None = None
    attributes_due: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Give it as the command line's JSON has it."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Tell it to people."""
        last, old = self.attempt, self.attributes_due
        yield from (f"training of {self.model_id} is due: {why}" for why in self.due)
        yield from (f"training of {self.model_id} waits: {why}" for why in self.waits)
        if old:
            yield f"  {old:,} vendors' attributes are due to be looked up again before it: leadlight enrichment due"
        if last is not None:
            yield from last.lines(self.model_id)


@dataclass(frozen=True)
class Known:
    """Bind what a decision is made from; newest is the version made last that is in use or waits."""

    measured: "Measured"
    newest: versions.Version | None
    waiting: versions.Version | None
    now: datetime


def look(
    state: sqlite3.Connection,
    model_id: str,
    measured: "Measured",
    now: datetime,
    settings: TrainSettings,
    *,
    attributes_due: int = 0,
) -> Looked:
    """Say whether a model is due as of an instant, and keep that for `status`."""
    found = [one for one in versions.kept(state, model_id) if one.state in ("in_use", "candidate") and one.as_of]
    newest = max(found, key=lambda one: one.as_of or now, default=None)
    known = Known(measured, newest, versions.candidate(state, model_id), now)
    last = last_attempt(state, model_id)
    due, waits = decide(known, last, settings)
    looked = Looked(model_id, _utc(now), due, waits, last, attributes_due)
    keep(state, looked)
    return looked


def could_not_look(state: sqlite3.Connection, model_id: str, why: str) -> None:
    """Keep for `status` that nobody knows whether a model is due."""
    keep(state, Looked(model_id, _utc(datetime.now(UTC)), (), (why,), last_attempt(state, model_id)))


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decide(known: Known, last: Attempt | None, settings: TrainSettings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the reasons to train now, else what is waited for; one try a week, however it ended."""
    due: list[str] = []
    waits: list[str] = []
    for is_due, why in (_by_age(known, settings), *_by_drift(known, settings)):
        (due if is_due else waits).append(why)
    if due and last is not None and known.now < last.again_at:
        tried = f"the last try was {last.as_of[:10]} ({last.ended}), the next {last.again_at:%d %b %Y}"
        return (), (f"{'; '.join(due)}; {tried}",)
    return tuple(due), () if due else tuple(waits)


def _by_age(known: Known, settings: TrainSettings) -> tuple[bool, str]:
    learned = _learned_at(known)
    days, ready = max(0, (known.now - learned).days), learned + settings.max_age_days * _DAY
    if known.now < ready:
        return False, f"it is {days} days old, train.max_age_days is {settings.max_age_days}: {ready:%d %b %Y}"
    have, least = known.measured.matured.conversions_since, settings.min_new_conversions
    if have >= least:
        return True, f"it is {days} days old, train.max_age_days is {settings.max_age_days}"
    told = f"it is {days} days old, and {have} conversions have matured since, train.min_new_conversions is {least}"
    return False, f"{told}: {_when(have, least, known)}"


def _learned_at(known: Known) -> datetime:
    """Tell up to when the newest version knows the past: the one in use, or one that waits."""
    if known.newest is not None and known.newest.as_of is not None:
        return known.newest.as_of
    made = datetime.fromisoformat(known.measured.table.as_of)
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _when(have: int, least: int, known: Known) -> str:
    """Name the day at the pace at which conversions have matured."""
    days = known.measured.matured.days_since
    if not have or days <= 0:
        return "no day can be named yet"
    at = known.now + timedelta(days=(least - have) / (have / days))
    return f"about {at:%d %b %Y}"


def _by_drift(known: Known, settings: TrainSettings) -> Iterator[tuple[bool, str]]:
    alarms, matured, waiting = known.measured.drift.alarms, known.measured.matured, known.waiting
    if not alarms or not settings.retrain_on_drift:
        return
    if waiting is not None and waiting.as_of and known.now - waiting.as_of < settings.max_age_days * _DAY:
        yield False, f"it fits no more, and version {waiting.version} waits: leadlight model use {waiting.version}"
    elif not matured.is_enough:
        when = "no day can be named" if matured.ready_at is None else f"about {matured.ready_at:%d %b %Y}"
        people = f"{matured.people:,} of {matured.needed:,} people"
        yield False, f"it fits no more, but too little has matured to learn anew ({people}): {when}"
    else:
        yield from ((True, f"it fits no more: {alarm}") for alarm in alarms)


def begin(state: sqlite3.Connection, looked: Looked) -> Attempt:
    """Note that a training begins, so that one that is killed is not begun again at once."""
    attempt = Attempt(looked.as_of, looked.due)
    keep(state, replace(looked, due=(), waits=(), attempt=attempt))
    return attempt


def end(state: sqlite3.Connection, looked: Looked, attempt: Attempt) -> Looked:
    """Note how a training ended."""
    found = replace(looked, due=(), waits=(), attempt=attempt)
    keep(state, found)
    return found


def keep(state: sqlite3.Connection, looked: Looked) -> None:
    """Keep what was found last of a model."""
    kept_facts.put(state, f"{_FACT}{looked.model_id}", json.dumps(looked.as_dict()))


def last_attempt(state: sqlite3.Connection, model_id: str) -> Attempt | None:
    """Give the last training of a model that was due; null before the first."""
    held = kept_facts.get(state, f"{_FACT}{model_id}")
    return None if held is None else looked_of(json.loads(held)).attempt


def kept(state: sqlite3.Connection) -> list[Looked]:
    """Read what was found last of each model."""
    with store_errors():
        rows = state.execute("SELECT value FROM facts WHERE name LIKE ? ORDER BY name", (f"{_FACT}%",)).fetchall()
    return [looked_of(json.loads(row[0])) for row in rows]


def looked_of(held: Mapping[str, Any]) -> Looked:
    """Read what `as_dict` gave."""
    last = held["attempt"]
    attempt = None
    if last is not None:
        attempt = Attempt(**{**last, "because": tuple(last["because"]), "why_not": tuple(last["why_not"])})
    return Looked(
        held["model_id"], held["as_of"], tuple(held["due"]), tuple(held["waits"]), attempt, held["attributes_due"]
    )
