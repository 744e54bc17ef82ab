"""What a mapping may read about people: event types by a list, nothing that tells what somebody reads, and no field
whose name speaks of what is nobody's business unless it is allowed by name.

The words are those of what law protects most: the special categories of the GDPR (art. 9 and 10), protected health
information and identifiers (45 CFR 160.103, 164.514), and children (COPPA).
"""

import re
from collections.abc import Collection, Iterator
from functools import cache

from mappings.lists import load_words
from mappings.model import EventEntry, Mapping, ReadTable
from mappings.transforms import fold
from mappings.wanted import fields_to_read
from scoring.schema import TABLES

TELLING = ("url", "asset", "source", "props")  # the columns of an event that say what somebody read
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def restricted(mapping: Mapping, allow: Collection[str] | None, *, bare: bool) -> Mapping:
    """Give the mapping that reads events of the allowed types alone; bare: without their telling columns.

    A table that can give none of them is not read at all. allow null is every type.
    """
    if allow is None and not bare:
        return mapping
    read = {name: _restricted(table, allow, bare=bare) for name, table in mapping.read.items()}
    return mapping.model_copy(update={"read": {name: table for name, table in read.items() if table is not None}})


def unnamed_columns(mapping: Mapping, packaged: Mapping, named: Collection[str]) -> list[str]:
    """Say which columns of people and accounts are neither of the packaged mapping nor named, one problem each."""
    return [
        f"signals: {name}: the column {column!r} is your own; name it in `columns`, or take it out of the mapping"
        for name, table in mapping.read.items()
        if table.table in ("people", "accounts")
        for column in table.fields
        if column not in named and column not in TABLES[table.table].columns and column not in _fields(packaged, name)
    ]


def sensitive_fields(mapping: Mapping, allowed: Collection[str]) -> list[str]:
    """Say which fields that are read have names of a sensitive kind and are not allowed, one problem each."""
    return [
        f"signals: {name}: the field {field} speaks of {kind}; allow it by name in `sensitive`, or do not read it"
        for name in mapping.read
        for field in fields_to_read(mapping, name)
        if field not in allowed and (kind := sensitivity(field)) is not None
    ]


def sensitivity(field: str) -> str | None:
    """Tell what of a sensitive kind the words of a field's name speak of; null for all others.

    >>> sensitivity("Primary_Diagnosis__c"), sensitivity("hs_lead_status"), sensitivity("ethnicGroup")
    ('health', None, 'origin')
    """
    words = fold(_CAMEL.sub(" ", field))
    return next((kind.replace("_", " ") for kind, pattern in _patterns() if pattern.search(words)), None)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Match whole words of each kind, in the order of the table."""
    return tuple(
        (kind, re.compile(rf"(?<!\S)(?:{'|'.join(re.escape(fold(word)) for word in words)})(?!\S)"))
        for kind, words in load_words("sensitive").items()
    )


def _fields(mapping: Mapping, name: str) -> Collection[str]:
    return mapping.read[name].fields if name in mapping.read else ()


def _restricted(table: ReadTable, allow: Collection[str] | None, *, bare: bool) -> ReadTable | None:
    if table.table != "events":
        return table
    if allow is not None and not any(_may_give(entry, allow) for entry in table.event):
        return None
    entries = tuple(map(_bared, table.event)) if bare else table.event
    only = None if allow is None else tuple(sorted(allow))
    return table.model_copy(update={"event": entries, "only_types": only})


def _may_give(entry: EventEntry, allow: Collection[str]) -> bool:
    return entry.type.value is None or str(entry.type.value) in allow


def _bared(entry: EventEntry) -> EventEntry:
    return entry.model_copy(update=dict.fromkeys(TELLING))


def kinds() -> Iterator[str]:
    """Walk the kinds of sensitive names, for people."""
    yield from (kind.replace("_", " ") for kind, _ in _patterns())
