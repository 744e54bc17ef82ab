"""Give keyed rows their names: ids that stay the same however often a row comes, and properties as one map."""

from dataclasses import replace
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from connector.engine.relations import literal, quoted
from connector.settings.signals import SignalSettings
from connector.signals import keep_allowed
from mappings.feed_rows import PROP, WHOLE_ROW, KeyedRows

EVENTS: Final = "keyed_events"
ATTRIBUTES: Final = "keyed_attributes"
_LONGEST_ID: Final = 120


def allowed_rows(keyed: KeyedRows, settings: SignalSettings) -> KeyedRows:
    """Leave out of the events what is not allowed, before they are stored; an id that tells something too."""
    events = keyed.events
    if not events.num_rows or (settings.allow is None and not settings.bare):
        return keyed
    if settings.bare:
        events = events.drop_columns([name for name in events.column_names if name.startswith(PROP)])
        whole = pc.binary_join_element_wise(events["identity"], "", WHOLE_ROW)
        events = events.set_column(events.column_names.index("identity"), "identity", whole)
    return replace(keyed, events=keep_allowed(events, settings))


def events_of(engine: duckdb.DuckDBPyConnection, keyed: KeyedRows, feed: str, file: int) -> str:
    """Give a relation of the events as landing takes them, as text for a FROM clause."""
    engine.register(EVENTS, _filled(keyed.events))
    frame = f"{literal(feed)} AS feed, {file}::BIGINT AS file, {_event_id(feed)} AS event_id"
    return f"(SELECT {frame}, {_event_columns(keyed.events)} FROM {EVENTS})"  # noqa: S608 - quoted


def attributes_of(engine: duckdb.DuckDBPyConnection, keyed: KeyedRows, feed: str, file: int) -> str:
    """Give a relation of the attributes as landing takes them, as text for a FROM clause."""
    engine.register(ATTRIBUTES, _filled(keyed.attributes))
    renamed = "* EXCLUDE (row) RENAME (value AS text, observed_at AS occurred_at)"
    return f"(SELECT {literal(feed)} AS feed, {file}::BIGINT AS file, {renamed} FROM {ATTRIBUTES})"  # noqa: S608 - quoted


def _filled(table: pa.Table) -> pa.Table:
    """Give columns of no type the type of text; DuckDB would make numbers of them."""
    schema = pa.schema(
        [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in table.schema]
    )
    return table.cast(schema)


def _event_id(feed: str) -> str:
    """Write the id of an event: the row's own, or a digest where that is long or all of the row."""
    digest = f"contains(identity, chr(31)) OR length(identity) > {_LONGEST_ID}"
    return f"{literal(f'feed:{feed}:')} || CASE WHEN {digest} THEN md5(identity) ELSE identity END"


def _event_columns(events: pa.Table) -> str:
    props = [name for name in events.column_names if name.startswith(PROP)]
    own = [quoted(name) for name in events.column_names if name not in ("row", "identity", *props)]
    if props:
        pairs = ", ".join(f"{literal(name.removeprefix(PROP))}, {quoted(name)}" for name in props)
        own.append(f"nullif(json_merge_patch('{{}}', json_object({pairs}))::VARCHAR, '{{}}') AS props")
    return ", ".join(own)


__all__ = ["allowed_rows", "attributes_of", "events_of"]
