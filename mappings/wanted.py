"""Which fields a mapping reads of each object, and under which ids their events are known."""

from collections.abc import Iterator
from typing import Final

from mappings.model import Condition, Mapping, ReadTable, Source

REPLACES: Final = "replaces"  # a column of the lake's events alone: the event_id that models see no more


def fields_to_read(mapping: Mapping, object: str) -> tuple[str, ...]:  # noqa: A002 - the vendors' own word
    """List the CRM fields that an object's table needs, its key first, each once.

    Dotted names are parent paths (`Campaign.Name`) or, on HubSpot, `associations.X` and event `properties.X`.
    """
    table = mapping.read[object]
    names = [table.key, *_condition_fields(table.where)]
    for source in sources_of(table):
        names += [*source.from_, *_condition_fields(source.when)]
    for when in (*(entry.when for entry in table.event), *(entry.when for entry in table.outcome)):
        names += _condition_fields(when)
    return tuple(dict.fromkeys(names))


def _condition_fields(condition: Condition | None) -> list[str]:
    return [] if condition is None else [leaf.field for leaf in condition.leaves() if leaf.field is not None]


def sources_of(table: ReadTable) -> Iterator[Source]:
    """Walk every source of a read table, those of its entries included."""
    return table.sources()


def record_key(mapping: Mapping, object: str, record_id: str) -> str:  # noqa: A002 - as above
    """Give the id under which a record's events are known: unique across objects.

    Salesforce ids are unique by themselves, HubSpot's per object only (`calls:123`). Every event_id and outcome_id of
    the record is this key, alone or followed by `:` and more.
    """
    return record_id if mapping.crm == "salesforce" else f"{object}:{record_id}"
