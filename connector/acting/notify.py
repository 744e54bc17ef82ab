"""Notices: messages to people, by Apprise, from outbox rows of their own, after the CRM has its writes.

Nothing here can fail a run. A channel that fails is left alone for the rest of the run; its messages wait, ever
longer, and are given up when they are stale. More than a few for one channel become one message.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import jinja2
import structlog

from connector.acting.actions import fill_text, parse_duration
from connector.acting.harmless import harmless
from connector.acting.wording import words_about
from connector.errors import ConfigError
from connector.job import Job
from connector.plan import NoticeChange
from connector.settings.file import Settings
from connector.store import notices
from connector.store.notices import WaitingNotice
from connector.store.outbox import Entry

log = structlog.get_logger()
Answer = Literal["sent", "refused", "unknown"]
FIRST_WAIT: Final = timedelta(minutes=5)
LONGEST_WAIT: Final = timedelta(hours=2)
TOLD: Final = 10  # how many a digest names
# What requests says where the message had left, and no answer came. Anything else failed before that, or was answered.
_LOST: Final = ("Read timed out", "Connection aborted", "Connection broken", "IncompleteRead")


@dataclass(frozen=True)
class Notified:
    """Count the messages of a run: sent, waiting for another try, given up or in doubt."""

    sent: int = 0
    waiting: int = 0
    given_up: int = 0

    def as_dict(self) -> dict[str, int]:
        """Give the counts by name."""
        return {"sent": self.sent, "waiting": self.waiting, "given_up": self.given_up}


def notice_entries(job: Job, changes: Sequence[NoticeChange], opened_at: str) -> Iterator[Entry]:
    """Make outbox rows of a plan's notices: the template and its words, which are filled when they are sent."""
    for change, words in words_about(job, changes):
        told = {"channel": change.channel, "text": change.text, "words": words, "total": change.total}
        yield Entry(notices.KIND, change.object, change.record_id, told | {"opened_at": opened_at}, change.key)


def require_channels(settings: Settings) -> None:
    """Raise ConfigError naming every channel in use that cannot be sent to; nothing is sent."""
    used = {action.notify.channel for action in settings.action if action.notify}
    problems = [problem for row in settings.channel if row.id in used for problem in _problems(row.id, settings)]
    if problems:
        raise ConfigError(problems)


def send_notices(job: Job) -> Notified:
    """Send what is due, channel by channel; raises nothing but what the store raises."""
    now = job.crm.calls.server_time_at or job.connection.server_time_at
    keep = parse_duration(job.settings.notices.give_up_after)
    rows = notices.due(job.state, now)
    stale = [row for row in rows if row.opened_at + keep < now and not row.asked_for]
    notices.settle(job.state, [row.id for row in stale], "quarantined", notices.STALE)
    by_channel: dict[str, list[WaitingNotice]] = {}
    for row in rows:
        if row not in stale:
            by_channel.setdefault(row.payload["channel"], []).append(row)
    counts = Counter(given_up=len(stale))
    for name, waiting in by_channel.items():
        counts += _send_channel(job, name, waiting, now)
    return Notified(counts["sent"], counts["waiting"], counts["given_up"])


def _send_channel(job: Job, name: str, rows: Sequence[WaitingNotice], now: datetime) -> Counter[str]:
    """Send one channel's messages until one fails."""
    counts: Counter[str] = Counter()
    many = len(rows) > job.settings.notices.max_per_run
    batches = [rows] if many else [[row] for row in rows]
    for place, batch in enumerate(batches):
        if job.stop.is_set():
            return counts + Counter(waiting=sum(map(len, batches[place:])))
        answer = _send_batch(job, name, batch, now)
        counts[{"sent": "sent", "refused": "waiting", "unknown": "given_up"}[answer]] += len(batch)
        if answer != "sent":
            log.warning("notice not sent", channel=name, outcome=answer)
            return counts + Counter(waiting=sum(map(len, batches[place + 1 :])))
    return counts


def _send_batch(job: Job, name: str, batch: Sequence[WaitingNotice], now: datetime) -> Answer:
    ids = [row.id for row in batch]
    notices.begin(job.state, ids)
    answer = _post(_url(job.settings, name), _message(batch))
    if answer == "sent":
        notices.settle(job.state, ids, "done", None)
    elif answer == "unknown":
        notices.settle(job.state, ids, "quarantined", notices.MAYBE)
    else:
        wait = FIRST_WAIT * float(2 ** min(max(row.attempts for row in batch), 10))
        notices.settle(job.state, ids, "retry", f"channel {name} refused it", now + min(wait, LONGEST_WAIT))
    return answer


def _message(batch: Sequence[WaitingNotice]) -> str:
    if len(batch) == 1:
        return _text(batch[0])
    hottest = sorted(batch, key=lambda row: -(row.payload.get("total") or 0.0))[:TOLD]
    bands = Counter(row.payload["words"].get("band") or "no band" for row in batch)
    told = ", ".join(f"{n:,} {band}" for band, n in bands.most_common())
    lines = [f"- {' '.join(_text(row).split())}" for row in hottest]
    return "\n".join([f"{len(batch):,} notices ({told}); the first {len(lines)}:", *lines])


def _text(row: WaitingNotice) -> str:
    words: Mapping[str, Any] = row.payload["words"]
    try:
        return fill_text(row.payload["text"], {key: _word(key, value) for key, value in words.items()})
    except jinja2.TemplateError:  # a template that was checked on a sample can still divide by a person's zero
        return _word("name", words.get("name", ""))


def _word(key: str, value: Any) -> str:  # noqa: ANN401 - whatever the row holds
    return str(value) if key == "url" else harmless(str(value))


def _post(url: str, body: str) -> Answer:
    """Send one message as plain text, which Apprise escapes for the channel; tells whether it may have arrived."""
    import apprise  # on use: an extra, and slow to import

    heard = _Heard()
    logger = logging.getLogger("apprise")
    held = (logger.propagate, logger.level)
    logger.addHandler(heard)
    logger.propagate = False  # it logs the address and the message
    logger.setLevel(logging.DEBUG)
    try:
        channel = apprise.Apprise.instantiate(url, asset=apprise.AppriseAsset(async_mode=False))
        sent = channel is not None and bool(channel.notify(body=body, title="", body_format=apprise.NotifyFormat.TEXT))
    except Exception as error:  # a plugin's own fault must not fail a run, and its text may hold the address
        log.warning("notice failed", error=type(error).__name__)
        sent = False
    finally:
        logger.removeHandler(heard)
        logger.propagate, logger.level = held
    return "sent" if sent else "unknown" if heard.lost else "refused"


class _Heard(logging.Handler):
    """Hear from Apprise whether an answer was lost; keeps nothing of what it says."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lost = False

    def emit(self, record: logging.LogRecord) -> None:
        """Look for the words of a lost answer."""
        self.lost = self.lost or any(words in record.getMessage() for words in _LOST)


def _url(settings: Settings, name: str) -> str:
    row = next((row for row in settings.channel if row.id == name), None)
    return row.url.get_secret_value() if row and row.url else ""


def _problems(name: str, settings: Settings) -> Iterator[str]:
    url = _url(settings, name)
    if not url:
        variable = f"LEADLIGHT_CHANNEL__{name.upper()}__URL"
        yield f"channel.{name}.url: is not set; set {variable} or {variable}_FILE to an Apprise address"
        return
    try:
        import apprise  # as in _post
    except ImportError:
        yield f'channel.{name}: sending needs Apprise; pip install "leadlight[notify]"'
        return
    logger = logging.getLogger("apprise")
    held, logger.disabled = logger.disabled, True  # it logs the address
    try:
        if apprise.Apprise.instantiate(url) is None:
            yield f"channel.{name}.url: is no address that Apprise knows; see https://appriseit.com/services/"
    finally:
        logger.disabled = held
