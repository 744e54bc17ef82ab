"""Times as feeds write them: ISO 8601, seconds and milliseconds since 1970, and patterns with a time zone."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from mappings.columns import ARROW_TYPES, as_text, blank_to_null, field_of, map_distinct
from mappings.feed import Clock

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)  # what is older is a number that was misread
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def times(clock: Clock | None, rows: pa.Table, seen_at: datetime) -> pa.Array:
    """Give each row's time in UTC, null where it cannot be read; without a clock, or its columns, it is seen_at."""
    if clock is None or not is_clocked(clock, rows):
        return pa.repeat(pa.scalar(seen_at, ARROW_TYPES["datetime"]), rows.num_rows)
    read = _reader(clock)
    found = [_column(field_of(rows, name), read) for name in clock.from_]
    return found[0] if len(found) == 1 else pc.coalesce(*found)


def is_clocked(clock: Clock | None, rows: pa.Table) -> bool:
    """Tell whether rows carry times of their own."""
    return clock is not None and any(name in rows.column_names for name in clock.from_)


def _column(array: pa.Array, read: Callable[[str], datetime | None]) -> pa.Array:
    """Read a column; a time of a Parquet file stays what it is."""
    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        return pc.floor_temporal(array.cast(ARROW_TYPES["datetime"]), unit="second")
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("s")).cast(pa.string())
    return map_distinct(as_text(blank_to_null(array)), read, ARROW_TYPES["datetime"])


def _reader(clock: Clock) -> Callable[[str], datetime | None]:
    zone = ZoneInfo(clock.zone)

    def read(text: str) -> datetime | None:
        for name in clock.format:
            moment = _read_as(name, text.strip(), zone)
            if moment is not None and EARLIEST <= moment < LATEST:
                return moment.replace(microsecond=0)
        return None

    return read


def _read_as(name: str, text: str, zone: tzinfo) -> datetime | None:
    """Read one text by one format; null where it does not fit."""
    try:
        if name.startswith("epoch"):
            return datetime.fromtimestamp(float(text) / (1000 if name == "epoch_ms" else 1), UTC)
        moment = datetime.fromisoformat(text) if name == "iso" else datetime.strptime(text, name)  # noqa: DTZ007 - the zone follows
        return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


__all__ = ["is_clocked", "times"]
