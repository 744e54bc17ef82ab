"""Checks of what is around a run: who may read the store's files, the clocks, the share of the day's API calls."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from connector.budget import allowance
from connector.crm.base import Connection
from connector.errors import LeadlightError
from connector.settings.file import Settings
from connector.store.state import check as check_state
from connector.store.state import open_state

CLOCK_TOLERANCE = timedelta(minutes=5)
SCARCE_SHARE = 0.1  # of our share of the day that is left
OTHERS = stat.S_IRWXG | stat.S_IRWXO
NAMED = 3


@dataclass(frozen=True)
class Check:
    """State one finding; fix is empty where there is nothing to do. A warning is worth a look and fails nothing."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
    warning: bool = False

    def as_dict(self) -> dict[str, object]:
        """Give the finding as the command line's JSON has it."""
        return asdict(self)


def warning(name: str, detail: str, fix: str) -> Check:
    """State what is worth a look and fails nothing."""
    return Check(name, True, detail, fix, warning=True)


def store_checks(folder: Path) -> Iterator[Check]:
    """Check that the store is sound and that nobody else may read it."""
    try:
        with closing(open_state(folder)) as state:
            damage = check_state(state)
    except LeadlightError as error:
        yield Check("store", False, error.message, "check [store] path and the disk")
        return
    yield Check("store", not damage, "; ".join(damage) or f"sound, in {folder}", "restore a backup" if damage else "")
    yield _modes(folder)


def _modes(folder: Path) -> Check:
    """Find what others than the owner may read or change; a closed folder keeps what is inside from them."""
    open_ = [f"{path} ({mode:04o})" for path, mode in _walk(folder) if mode & OTHERS]
    if not open_:
        return Check("store files", True, "for their owner alone (files 0600, folders 0700)")
    more = f" and {len(open_) - NAMED} more" if len(open_) > NAMED else ""
    told, fix = f"{', '.join(open_[:NAMED])}{more}", f"chmod -R go= {folder}"
    if stat.S_IMODE(folder.stat().st_mode) & OTHERS:
        return Check("store files", False, f"others may get at {told}", fix)
    return warning("store files", f"only the folder keeps others from {told}", fix)


def _walk(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in (folder, *sorted(folder.rglob("*"))):
        with suppress(FileNotFoundError):  # a run beside us may sweep
            if not path.is_symlink():
                yield path, stat.S_IMODE(path.stat().st_mode)


def clock_check(connection: Connection, now: datetime) -> Check:
    """Compare the CRM's clock with this machine's; scores go by the CRM's, so that a difference harms logins alone."""
    apart = connection.server_time_at - now
    seconds = abs(apart.total_seconds())
    told = "the CRM's clock and this machine's agree"
    if seconds >= 1:
        told = f"the CRM's clock is {_span(seconds)} {'ahead of' if apart > timedelta() else 'behind'} this machine's"
    if abs(apart) <= CLOCK_TOLERANCE:
        return Check("clock", True, told)
    return warning("clock", f"{told}; scores go by the CRM's", "set this machine's clock (NTP): logins by jwt need it")


def _span(seconds: float) -> str:
    for size, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {word}"
    return f"{seconds:.0f} s"


def quota_check(state: sqlite3.Connection, settings: Settings, connection: Connection) -> Check:
    """Say how many of the day's API calls are left, to us and to all."""
    limits = settings.limits
    left = allowance(state, connection, limits.daily_api_share, limits.daily_api_reserve_share)
    if connection.api_limit is None or left is None:
        return Check("api calls", True, "the CRM names no daily limit")
    total, used = connection.api_limit, connection.api_used or 0
    ours = int(total * limits.daily_api_share)
    told = (
        f"{used:,} of {total:,} of the day used by all; {max(left, 0):,} of our share of {ours:,}"
        f" ({limits.daily_api_share:.0%}) left, with {limits.daily_api_reserve_share:.0%} kept for people"
    )
    if min(left, total - used) > ours * SCARCE_SHARE:
        return Check("api calls", True, told)
    return warning("api calls", told, "wait, change [limits] daily_api_share, or have the CRM's limit raised")
