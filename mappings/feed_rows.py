"""Rows of a feed to keyed rows, vectorised: events and observed attributes that do not know their person yet.

Both tables carry `row` (the row's place in the table given) and the keys person_key, email, account_key and domain.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from mappings.columns import as_text, blank_to_null, cast, field_of
from mappings.conditions import matches
from mappings.feed import Feed, FeedEvent
from mappings.feed_keys import KEYS, PERSON_KEYS, keys_of
from mappings.feed_times import is_clocked, times
from mappings.sources import first_set
from mappings.spec import Source
from scoring.schema import EVENTS

PROP: Final = "props."
WHOLE_ROW: Final = "\x1f"  # in an identity that is all of a row
_NUMBERS: Final = ("value",)


@dataclass(frozen=True)
class KeyedRows:
    """Hold what rows of a feed give.

    events: row, identity, occurred_at, the keys, the columns of events, `props.X` for each property. attributes: row,
    role, name, value, vendor, observed_at, the keys. reasons: per row why it cannot be used, null where it can.
    passed: how many rows are asked for by nothing.
    """

    events: pa.Table
    attributes: pa.Table
    reasons: pa.Array
    passed: int


def keyed_rows(feed: Feed, rows: pa.Table, seen_at: datetime, *, repeats: bool = True) -> KeyedRows:
    """Turn rows into events and attributes; seen_at is the time of rows whose feed has no clock.

    identity is the row's own id, or all that is read of it, as one text. repeats: a row without a time of its own that
    is seen again later is another one. A row is used whole or not at all.
    """
    kept = matches(feed.where, rows)
    at = times(feed.time, rows, seen_at)
    keys = keys_of(feed.key, rows)
    entries = list(_first_matches(feed.event, rows, kept))
    is_event = _any([hit for _, hit in entries], rows.num_rows)
    asked = pc.and_(kept, pa.repeat(pa.scalar(bool(feed.person or feed.account)), rows.num_rows))
    asked = pc.or_(asked, is_event)
    reasons = _only_where(_reasons(feed, rows, at, keys, entries), asked)
    good = pc.and_(asked, pc.is_null(reasons))
    frame = pa.table({"row": pa.array(range(rows.num_rows), pa.int64()), **keys})
    named = frame.append_column("identity", _identity(feed, rows, at if repeats else None))
    events = [_events(entry, rows, named, at, pc.and_(hit, good)) for entry, hit in entries]
    passed = rows.num_rows - (pc.sum(asked).as_py() or 0)
    return KeyedRows(_stacked(events), _attributes(feed, rows, frame, at, good), reasons, passed)


def _first_matches(
    entries: Sequence[FeedEvent], rows: pa.Table, kept: pa.Array
) -> Iterator[tuple[FeedEvent, pa.Array]]:
    """Tell for each entry which rows match it and none before it."""
    free = kept
    for entry in entries:
        hit = pc.and_(free, matches(entry.when, rows))
        free = pc.and_not(free, hit)
        yield entry, hit


def _reasons(
    feed: Feed, rows: pa.Table, at: pa.Array, keys: dict[str, pa.Array], entries: Sequence[tuple[FeedEvent, pa.Array]]
) -> pa.Array:
    """Say of each row why it cannot be used; null where it can."""
    named = [name for sources in feed.key.columns().values() for source in sources for name in source.from_]
    keyless = pc.is_null(pc.coalesce(*keys.values()))
    found = [_said(keyless, f"no key: {', '.join(dict.fromkeys(named))} is blank, free mail, or cannot be read")]
    if feed.time is not None and is_clocked(feed.time, rows):
        shown = pc.coalesce(*(_shown(rows, name) for name in feed.time.from_), pa.scalar("nothing"))
        said = f"{' or '.join(feed.time.from_)}: "
        text = pc.binary_join_element_wise(said, shown, f" is no time ({', '.join(feed.time.format)})", "")
        found.append(pc.if_else(pc.is_null(at), text, None))
    for entry, hit in entries:
        for name, source in entry.columns().items():
            found.append(_only_where(_unreadable(name, source, rows), hit))
    return pc.coalesce(*found)


def _unreadable(name: str, source: Source, rows: pa.Table) -> pa.Array:
    """Say where a column that must be read cannot be: a type that is blank, a value that is no number."""
    if name == "type":
        blank = pc.is_null(first_set((source,), rows, "text"))
        return _said(blank, f"no type: {', '.join(source.from_)} is blank")
    if name not in _NUMBERS or source.value is not None:
        return pa.nulls(rows.num_rows, pa.string())
    raw = first_set((source.model_copy(update={"transform": None}),), rows, "text")
    wrong = pc.and_(pc.is_valid(raw), pc.is_null(first_set((source,), rows, "number")))
    text = pc.binary_join_element_wise(f"{', '.join(source.from_)}: ", raw, " is no number", "")
    return pc.if_else(wrong, text, None)


def _shown(rows: pa.Table, name: str) -> pa.Array:
    return pc.utf8_slice_codeunits(as_text(blank_to_null(field_of(rows, name))), 0, 40)


def _said(where: pa.Array, reason: str) -> pa.Array:
    return pc.if_else(where, pa.scalar(reason), pa.scalar(None, pa.string()))


def _only_where(array: pa.Array, mask: pa.Array) -> pa.Array:
    return pc.if_else(mask, array, pa.scalar(None, array.type))


def _any(masks: Sequence[pa.Array], size: int) -> pa.Array:
    found = pa.repeat(pa.scalar(False), size)
    for mask in masks:
        found = pc.or_(found, mask)
    return found


def _events(entry: FeedEvent, rows: pa.Table, frame: pa.Table, at: pa.Array, hit: pa.Array) -> pa.Table:
    """Give the rows of one entry as events."""
    rows, at = rows.filter(hit), at.filter(hit)
    columns = {name: first_set((source,), rows, EVENTS.columns[name]) for name, source in entry.columns().items()}
    columns |= {PROP + name: as_text(first_set((source,), rows, None)) for name, source in entry.props.items()}
    found = frame.filter(hit)
    for name, column in {"occurred_at": at, **columns}.items():
        found = found.append_column(name, column)
    return found


def _identity(feed: Feed, rows: pa.Table, at: pa.Array | None) -> pa.Array:
    """Give the row's own id, or all that is read of it where that is blank."""
    if rows.num_rows == 0:
        return pa.nulls(0, pa.string())
    given = (
        pc.binary_join_element_wise(*_texts(rows, feed.id), ":") if feed.id else pa.nulls(rows.num_rows, pa.string())
    )
    read = [name for name in feed.columns() if name in rows.column_names]
    whole = [pc.fill_null(text, "") for text in _texts(rows, read)]
    if at is not None and not is_clocked(feed.time, rows):  # what is seen again later is another observation
        whole.append(as_text(at))
    return pc.coalesce(given, pc.binary_join_element_wise(WHOLE_ROW, *whole, WHOLE_ROW))


def _texts(rows: pa.Table, names: Sequence[str]) -> list[pa.Array]:
    return [as_text(blank_to_null(field_of(rows, name))) for name in names]


def _attributes(feed: Feed, rows: pa.Table, frame: pa.Table, at: pa.Array, good: pa.Array) -> pa.Table:
    """Give one row for each attribute that is known of a row."""
    parts = [
        _attribute(role, name, source, feed.vendor, rows, frame.append_column("observed_at", at), good)
        for role, sources in (("person", feed.person), ("account", feed.account))
        for name, source in sources.items()
    ]
    return _stacked(parts)


def _attribute(
    role: str, name: str, source: Source, vendor: str, rows: pa.Table, frame: pa.Table, good: pa.Array
) -> pa.Table:
    value = _value(first_set((source,), rows, None))
    keys = (frame[key] for key in (PERSON_KEYS if role == "person" else KEYS))
    known = pc.and_(pc.and_(good, pc.is_valid(value)), pc.is_valid(pc.coalesce(*keys)).combine_chunks())
    found = frame.filter(known).append_column("value", value.filter(known))
    for column, text in (("role", role), ("name", name), ("vendor", vendor)):
        found = found.append_column(column, pa.repeat(pa.scalar(text), found.num_rows))
    return found


def _value(array: pa.Array) -> pa.Array:
    """Give a value as text; a list has `;` between its parts."""
    if pa.types.is_list(array.type):
        return blank_to_null(pc.binary_join(cast(array, "list"), ";"))
    return as_text(array)


def _stacked(parts: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(parts, promote_options="default") if parts else pa.table({})


__all__ = ["PROP", "WHOLE_ROW", "KeyedRows", "keyed_rows"]
