"""Leave out of a mapping what is optional and not there in this org, and say what was left out."""

from collections.abc import Mapping as AbcMapping
from collections.abc import Sequence
from typing import Final

from mappings.fields import FieldInfo, ObjectInfo
from mappings.model import ASSOCIATIONS, Condition, EventEntry, Mapping, OutcomeEntry, ReadTable, Source

STREAM: Final = ":"  # in the name of what is no CRM object: `event:TYPE`, `form:NAME`
_ANY = FieldInfo(name="", label="", kind="text")


def lookup(info: ObjectInfo, field: str) -> FieldInfo | None:
    """Find a field of an object; null where the user cannot see it.

    `associations.X`, an event's `properties.X` and the like are not in any describe; a parent path is there if its
    reference is (`Campaign.Name` through CampaignId, `Parent__r.X` through Parent__c). A stream that describes no
    fields has them all.
    """
    if field in info.gone:
        return None
    if field in info.fields:
        return info.fields[field]
    if field.startswith(ASSOCIATIONS) or (STREAM in info.name and (not info.fields or "." in field)):
        return _ANY
    parent, dot, _ = field.partition(".")
    if not dot:
        return None
    reference = f"{parent[:-1]}c" if parent.endswith("__r") else f"{parent}Id"
    return _ANY if reference in info.fields else None


def prune(mapping: Mapping, describes: AbcMapping[str, ObjectInfo | None]) -> Mapping:
    """Give the mapping without its optional parts that do not exist; `dropped` of the result tells each.

    A field that is gone counts as unknown in conditions; an entry or table that can no longer match is left out.
    """
    read: dict[str, ReadTable] = {}
    dropped: list[str] = []
    for name, table in mapping.read.items():
        info = describes.get(name)
        if info is None and table.optional:
            dropped.append(f"read.{name}: object {name} does not exist here or may not be seen")
            continue
        kept = table if info is None else _Pruning(name, info, table.optional, dropped).table(table)
        if kept is not None:
            read[name] = kept
    return mapping.model_copy(update={"read": read, "dropped": (*mapping.dropped, *dict.fromkeys(dropped))})


class _Pruning:
    """Carry what one table's pruning needs to know and what it leaves out."""

    def __init__(self, name: str, info: ObjectInfo, all_optional: bool, dropped: list[str]) -> None:
        self.name, self.info, self.all_optional, self.dropped = name, info, all_optional, dropped

    def gone(self, field: str, optional: bool) -> bool:
        """Tell whether an optional field is not there, and note it."""
        if not (optional or self.all_optional) or lookup(self.info, field) is not None:
            return False
        self.dropped.append(f"read.{self.name}: {self.name} has no field {field} that may be seen")
        return True

    def condition(self, condition: Condition) -> Condition | bool:
        """Reduce a condition; true or false where nothing is left to ask."""
        if condition.field is not None:
            return bool(condition.missing) if self.gone(condition.field, condition.optional) else condition
        if condition.not_ is not None:
            inner = self.condition(condition.not_)
            return not inner if isinstance(inner, bool) else condition.model_copy(update={"not_": inner})
        name, decisive = ("all_", False) if condition.all_ is not None else ("any_", True)
        children = [self.condition(child) for child in getattr(condition, name)]
        if decisive in children:
            return decisive
        left = tuple(child for child in children if isinstance(child, Condition))
        return condition.model_copy(update={name: left}) if left else not decisive

    def source(self, source: Source) -> Source | None:
        """Keep the fields of a source that are there; null where none is."""
        when = self.condition(source.when) if source.when is not None else True
        fields = tuple(field for field in source.from_ if not self.gone(field, source.optional))
        if when is False or (source.from_ and not fields):
            return None
        return source.model_copy(update={"from_": fields, "when": when if isinstance(when, Condition) else None})

    def sources(self, sources: Sequence[Source]) -> tuple[Source, ...]:
        """Keep the sources that have a field left."""
        return tuple(kept for source in sources if (kept := self.source(source)) is not None)

    def entry(self, entry: EventEntry) -> EventEntry | None:
        """Keep an event entry that can still match and name a type."""
        when = self.condition(entry.when) if entry.when is not None else True
        columns = {name: self.source(source) for name, source in entry.columns().items()}
        occurred_at = self.sources(entry.occurred_at)
        timeless = entry.beside and entry.occurred_at and not occurred_at
        if when is False or columns["type"] is None or timeless:
            return None
        left = when if isinstance(when, Condition) else None
        return entry.model_copy(update={**columns, "occurred_at": occurred_at, "when": left})

    def outcome(self, entry: OutcomeEntry) -> OutcomeEntry | None:
        """Keep an outcome entry that can still match and has a time."""
        when = self.condition(entry.when) if entry.when is not None else True
        columns = {name: self.source(source) for name, source in entry.columns().items()}
        occurred_at = self.sources(entry.occurred_at)
        if when is False or not occurred_at:
            return None
        left = when if isinstance(when, Condition) else None
        return entry.model_copy(update={**columns, "occurred_at": occurred_at, "when": left})

    def columns(self, columns: AbcMapping[str, Source]) -> dict[str, Source]:
        """Keep the columns that have a field left."""
        return {name: kept for name, source in columns.items() if (kept := self.source(source)) is not None}

    def table(self, table: ReadTable) -> ReadTable | None:
        """Keep a table that can still give rows."""
        where = self.condition(table.where) if table.where is not None else True
        kept = table.model_copy(
            update={
                "where": where if isinstance(where, Condition) else None,
                "person": self.sources(table.person),
                "account": self.sources(table.account),
                "fields": self.columns(table.fields),
                "derive": self.columns(table.derive),
                "occurred_at": self.sources(table.occurred_at),
                "replaces": self.sources(table.replaces),
                "event": tuple(e for entry in table.event if (e := self.entry(entry)) is not None),
                "outcome": tuple(o for entry in table.outcome if (o := self.outcome(entry)) is not None),
            }
        )
        if where is False or self.gone(table.key, False) or _barren(kept):
            self.dropped.append(f"read.{self.name}: nothing is left to read")
            return None
        return kept


def _barren(table: ReadTable) -> bool:
    """Tell whether a table of events or outcomes lost its time, its subject or all its entries."""
    if table.table == "events":
        return not (table.occurred_at and table.event and (table.person or table.account))
    return table.table == "outcomes" and not (table.outcome and (table.person or table.account))


__all__ = ["STREAM", "lookup", "prune"]
