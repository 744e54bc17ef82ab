"""What differs between the scores and the CRM, one record at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.crm.base import JsonScalar
from mappings.model import WriteField
from mappings.write import differs, render

Rendered = Mapping[str, tuple[JsonScalar, JsonScalar]]

# These say why and when; they travel only beside a change that a person would notice (scoring.md 6).
PASSENGERS = frozenset({"reasons", "model", "as_of"})


@dataclass(frozen=True)
class Mirror:
    """Show one record as the CRM holds it: values by field name, and what we wrote there last.

    modified_at and written_at are UTC; a write that the last pull has not seen yet counts as the CRM's value.
    """

    values: Mapping[str, Any]
    written: Mapping[str, JsonScalar]
    modified_at: datetime | None
    written_at: datetime | None

    def current(self, field: str) -> Any:  # noqa: ANN401 - whatever the CRM's field holds
        """Give the value the CRM holds now, as far as we can know."""
        unseen = self.written_at is not None and (self.modified_at is None or self.modified_at < self.written_at)
        if unseen and field in self.written:
            return self.written[field]
        return self.values.get(field)


def field_changes(
    specs: Mapping[str, WriteField], mirror: Mirror, score: Mapping[str, Any], text: Callable[[Any], JsonScalar]
) -> Rendered:
    """List the fields to write as {field: (before, after)}; empty where nothing a person would notice differs.

    `text` turns a value of the mirror into what a plan can hold.
    """
    wanted = {name: _change(spec, mirror, score) for name, spec in specs.items()}
    noticed = {name: change for name, change in wanted.items() if change and specs[name].from_ not in PASSENGERS}
    if not noticed:
        return {}
    return {
        specs[name].field: (text(before), after)
        for name, change in wanted.items()
        if change is not None
        for before, after in [change]
    }


def _change(spec: WriteField, mirror: Mirror, score: Mapping[str, Any]) -> tuple[Any, JsonScalar] | None:
    before = mirror.current(spec.field)
    after = render(spec, score[spec.from_])
    if not differs(spec, before, after) or not _allowed(spec, before, mirror):
        return None
    return before, after


def _allowed(spec: WriteField, before: Any, mirror: Mirror) -> bool:  # noqa: ANN401 - whatever the CRM's field holds
    match spec.policy:
        case "own":
            return True
        case "if_empty":
            return before is None
        case "tracked":
            return before is None or not differs(spec, before, mirror.written.get(spec.field))
        case "never":
            return False
