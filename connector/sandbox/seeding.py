"""What both vendors' seeds share: rows in batches, stamps, exact times as text, names for custom fields."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from time import gmtime
from typing import NamedTuple

from connector.sandbox.state import EPOCH_AT
from connector.sandbox.storage import Storage
from connector.sandbox.world.rows import Outcome

EPOCH_S = int(EPOCH_AT.timestamp())
BATCH_ROWS = 20_000
SPREAD_S = 24 * 3600
QUIET_S = 3600
SCATTER = 2_654_435_761  # Knuth's multiplier: neighbours get stamps far apart
VERDICTS = ("accepted", "rejected")
UNKNOWN_CREATED_S = 946_684_800  # 2000-01-01: a CRM has no record without a creation time


def modified_s(number: int, created_s: int | None = None) -> int:
    """Give the nth seeded record's modified stamp: one to 25 hours before the epoch, not before its creation."""
    stamp = EPOCH_S - QUIET_S - number * SCATTER % SPREAD_S
    return min(max(stamp, created_s or 0), EPOCH_S - QUIET_S)


@lru_cache(maxsize=20_000)
def day_text(day: int) -> str:
    """Write a day since 1970 as `2026-07-01`."""
    at = gmtime(day * 86_400)
    return f"{at.tm_year:04d}-{at.tm_mon:02d}-{at.tm_mday:02d}"


def second_text(second: int) -> str:
    """Write a second since 1970 as `2026-07-01T12:00:00`; a million of these are written, datetime is too slow."""
    day, rest = divmod(second, 86_400)
    hour, rest = divmod(rest, 3600)
    minute, rest = divmod(rest, 60)
    return f"{day_text(day)}T{hour:02d}:{minute:02d}:{rest:02d}"


class Batches:
    """Gather rows of several tables from one stream and store each table's in batches.

    constants gives the columns, and their values, that each row of a table has beside the given ones.
    """

    def __init__(
        self,
        storage: Storage,
        columns: Mapping[str, Sequence[str]],
        constants: Callable[[str, Sequence[str]], Mapping[str, object]] = lambda name, columns: {},
    ) -> None:
        fixed = {name: constants(name, given) for name, given in columns.items()}
        self._storage = storage
        self._columns = {name: (*given, *fixed[name]) for name, given in columns.items()}
        self._constants = {name: tuple(values.values()) for name, values in fixed.items()}
        self._rows: dict[str, list[Sequence[object]]] = {name: [] for name in columns}
        self.counts = dict.fromkeys(columns, 0)

    def next_number(self, table: str) -> int:
        """Count a table's rows from 1."""
        self.counts[table] += 1
        return self.counts[table]

    def add(self, table: str, row: Sequence[object]) -> None:
        """Take one row: id, created and modified in milliseconds, then the table's columns."""
        rows = self._rows[table]
        rows.append((*row, *self._constants[table]))
        if len(rows) >= BATCH_ROWS:
            self._storage.seed(table, self._columns[table], rows)
            rows.clear()

    def flush(self) -> None:
        """Store what is left."""
        for table, rows in self._rows.items():
            if rows:
                self._storage.seed(table, self._columns[table], rows)
                rows.clear()


def title_case(column: str) -> str:
    """Name a Salesforce custom field after a column: landing_page gives Landing_Page__c."""
    words = [word for word in column.replace("-", "_").replace(" ", "_").split("_") if word]
    return "_".join(word[0].upper() + word[1:] for word in words) + "__c"


def stamps(number: int, created_s: int) -> tuple[int, int]:
    """Give a record's created and modified times in milliseconds."""
    return created_s * 1000, modified_s(number, created_s) * 1000


def apart(address: str | None, seen: set[str]) -> str | None:
    """Give an address no earlier row has, letter case ignored: a second ana@x becomes ana+2@x."""
    if not address:
        return None
    local, _, domain = address.rpartition("@")
    candidate, copy = address, 1
    while candidate.lower() in seen:
        copy += 1
        candidate = f"{local}+{copy}@{domain}"
    seen.add(candidate.lower())
    return candidate


class Deal(NamedTuple):
    """An opportunity and how it ended; closed is null, "closed_won" or "closed_lost"."""

    person_id: str | None
    account_id: str | None
    created_s: int
    amount: float | None
    closed: str | None = None
    closed_s: int | None = None
    reason: str | None = None


def deals(outcomes: Iterable[Outcome]) -> list[Deal]:
    """Pair outcomes to deals: a close ends the oldest open one of its person and account, else is a deal of its own."""
    found: list[Deal] = []
    waiting: dict[tuple[str | None, str | None], list[int]] = {}
    for row in sorted(outcomes, key=lambda row: row.occurred_s):
        key = (row.person_id, row.account_id)
        if row.kind == "opportunity_created":
            waiting.setdefault(key, []).append(len(found))
            found.append(Deal(*key, row.occurred_s, row.amount, reason=row.reason))
        elif row.kind in ("closed_won", "closed_lost"):
            closed = Deal(*key, row.occurred_s, row.amount, row.kind, row.occurred_s, row.reason)
            if waiting.get(key):
                index = waiting[key].pop(0)
                opened = found[index]
                amount = opened.amount if row.amount is None else row.amount
                found[index] = closed._replace(created_s=opened.created_s, amount=amount)
            else:
                found.append(closed)
    return found


def verdicts(outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    """Give the latest verdict on each person."""
    judged = sorted((row for row in outcomes if row.kind in VERDICTS and row.person_id), key=lambda row: row.occurred_s)
    return {row.person_id: row for row in judged if row.person_id}
