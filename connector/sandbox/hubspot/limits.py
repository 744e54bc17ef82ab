"""HubSpot's three rate limits: ten seconds rolling, searches per second, calls per day."""

from collections import deque
from datetime import timedelta

from connector.sandbox.hubspot.wire import ApiError, stamp
from connector.sandbox.state import Clock, Switches

DAILY_CALLS = 650_000
CALLS_PER_10S = 190
POLICIES = {"DAILY": "daily", "SECONDLY": "secondly", "TEN_SECONDLY_ROLLING": "ten_secondly_rolling"}
SEARCHES_PER_S = 5


class Bucket:
    """Let so many calls through in any stretch of time."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._calls: deque[int] = deque()

    def take(self, now_ms: int, limit: int) -> bool:
        """Count one call, or refuse it; a limit of 0 lets all through."""
        self.left(now_ms, limit)
        if limit and len(self._calls) >= limit:
            return False
        self._calls.append(now_ms)
        return True

    def left(self, now_ms: int, limit: int) -> int:
        """Tell how many calls are left now."""
        while self._calls and not 0 <= now_ms - self._calls[0] < self._window_ms:
            self._calls.popleft()
        return max(limit - len(self._calls), 0)


class RateLimits:
    """Count calls against the limits of a private app on a Professional account.

    Sources: the vendor's usage guidelines; header sets from recorded traffic. No recording of a 429: from the vendor's
    documentation, which promises no Retry-After.
    """

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock, self._switches = clock, switches
        self._ten_seconds, self._second, self._searches = Bucket(10_000), Bucket(1000), Bucket(1000)
        self._day = clock.now().date()
        self._today = 0

    @property
    def daily(self) -> int:
        """Tell the calls of a day; 0 means no limit."""
        return DAILY_CALLS if self._switches.daily_quota is None else self._switches.daily_quota

    @property
    def per_10s(self) -> int:
        """Tell the calls of ten seconds; 0 means no limit."""
        return CALLS_PER_10S if self._switches.rate_per_10s is None else self._switches.rate_per_10s

    @property
    def used_today(self) -> int:
        """Count the calls since midnight of the account's time zone, UTC."""
        today = self._clock.now().date()
        if today != self._day:
            self._day, self._today = today, 0
        return self._today

    def admit(self, *, search: bool, exempt: bool) -> None:
        """Count a call; raises ApiError 429. exempt: outside the ten-second limit (associations in batches)."""
        now_ms = self._clock.now_ms()
        if self.daily and self.used_today >= self.daily:
            raise refusal("DAILY", self._switches)
        if search and not self._searches.take(now_ms, SEARCHES_PER_S if self.per_10s else 0):
            raise refusal("SECONDLY", self._switches)
        if not search and not exempt:
            if not self._ten_seconds.take(now_ms, self.per_10s):
                raise refusal("TEN_SECONDLY_ROLLING", self._switches)
            self._second.take(now_ms, 0)
        self._today += 1

    def headers(self, *, search: bool) -> dict[str, str]:
        """Tell the limits: two headers on a search, seven on everything else.

        A lifted limit is told as the vendor's own, never used up.
        """
        daily = self.daily or DAILY_CALLS
        left = max(daily - self.used_today, 0) if self.daily else daily
        told = {"X-HubSpot-RateLimit-Daily": str(daily), "X-HubSpot-RateLimit-Daily-Remaining": str(left)}
        return told if search else told | self._short_headers()

    def _short_headers(self) -> dict[str, str]:
        now_ms, limit = self._clock.now_ms(), self.per_10s or CALLS_PER_10S
        secondly = max(limit // 10, 1)
        left, left_now = limit, secondly
        if self.per_10s:
            left, left_now = self._ten_seconds.left(now_ms, limit), self._second.left(now_ms, secondly)
        return {
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": str(limit),
            "X-HubSpot-RateLimit-Remaining": str(left),
            "X-HubSpot-RateLimit-Secondly": str(secondly),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(left_now),
        }

    def usage(self) -> dict[str, object]:
        """Tell the day's calls as `/account-info/v3/api-usage/daily/private-apps` does.

        No recording: from the vendor's documentation.
        """
        now = self._clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return {
            "name": "private-apps-api-calls-daily",
            "usageLimit": self.daily or DAILY_CALLS,
            "currentUsage": self.used_today,
            "collectedAt": stamp(self._clock.now_ms()),
            "fetchStatus": "SUCCESS",
            "resetsAt": stamp(int(midnight.timestamp() * 1000)),
        }


def refusal(policy: str, switches: Switches) -> ApiError:
    """Make a 429; Retry-After where the settings ask for one."""
    message = f"You have reached your {POLICIES[policy]} limit."
    error = ApiError(429, message, errorType="RATE_LIMIT", policyName=policy)
    if switches.retry_after_s is not None:
        error.headers = {"Retry-After": str(switches.retry_after_s)}
    return error
