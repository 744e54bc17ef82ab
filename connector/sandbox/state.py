"""The sandbox's clock and switches, set through its control API."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH_AT = datetime(2026, 7, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    """Tell the sandbox's time: it starts at the world's epoch and runs on with real seconds."""

    base_at: datetime = EPOCH_AT
    _started_s: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        """Tell the time in UTC."""
        return self.base_at + timedelta(seconds=time.monotonic() - self._started_s)

    def now_ms(self) -> int:
        """Tell the time in milliseconds since 1970."""
        return int(self.now().timestamp() * 1000)

    def set(self, now: datetime) -> None:
        """Jump to a time."""
        self.base_at, self._started_s = now, time.monotonic()

    def advance(self, seconds: float) -> None:
        """Jump forward."""
        self.set(self.now() + timedelta(seconds=seconds))


@dataclass
class Switches:
    """Hold what `POST /control/settings` sets.

    daily_quota and rate_per_10s: null means the vendor's published limit; 0 means none. hidden_fields are
    `Object.Field` names the connecting user may not see. inactive_users are user or owner ids. granted_scopes: null
    means all of them. refusals: by the vendor's name of a refusal, how many of the next calls get it. locked_records:
    by `object/id`, how many of the next writes to a record (Salesforce: or to what points to it) find it locked.
    retry_after_s: what a 429 tells (Salesforce: a 503), null for an answer without the header. Salesforce alone:
    concurrent_limit is the number of requests that may run at once, null for any; row_locks `{"hold_s": n}` makes
    overlapping writes to the same parents fail, n seconds after the answer still; duplicate_rules see
    salesforce/duplicates.py.
    """

    search_lag_s: float = 0.0
    read_lag_s: float = 0.0
    daily_quota: int | None = None
    rate_per_10s: int | None = None
    automations: dict[str, Any] = field(default_factory=dict)
    hidden_fields: frozenset[str] = frozenset()
    inactive_users: frozenset[str] = frozenset()
    granted_scopes: frozenset[str] | None = None
    refusals: dict[str, int] = field(default_factory=dict)
    locked_records: dict[str, int] = field(default_factory=dict)
    retry_after_s: int | None = None
    concurrent_limit: int | None = None
    row_locks: dict[str, Any] = field(default_factory=dict)
    duplicate_rules: dict[str, Any] = field(default_factory=dict)

    def take(self, name: str, key: str) -> bool:
        """Count one down in `refusals` or `locked_records`; false where none are left."""
        counts = self.refusals if name == "refusals" else self.locked_records
        left = counts.get(key, 0)
        if left > 0:
            counts[key] = left - 1
        return left > 0
