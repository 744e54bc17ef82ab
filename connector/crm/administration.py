"""What an administrator asks of a CRM: what provisioning would do, and which rights the connecting user has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from connector.crm.base import Crm
from mappings.fields import NewField
from mappings.needs import Need

Action = Literal["create", "change", "grant", "keep", "by hand"]
Level = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Step:
    """Say one thing that provisioning makes sure of; type is the field's in the vendor's words.

    kind is a word of the vendor's: field, property, group, permission set, access, list. keep: it is there already; by
    hand: our user may not.
    """

    action: Action
    kind: str
    target: str
    detail: str = ""
    type: str = ""
    field: NewField | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the step as the command line's JSON has it."""
        told = {"action": self.action, "kind": self.kind, "target": self.target, "detail": self.detail}
        if self.field is None:
            return told
        field = self.field
        words = {"label": field.label, "description": field.description, "help": field.help}
        return {**told, "object": field.object, "field": field.name, "type": self.type, "unique": field.unique, **words}


@dataclass(frozen=True)
class Right:
    """State one finding about rights; fix says what to do where it is not ok."""

    name: str
    level: Level
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class CallList:
    """Ask for a list of the people or accounts to call, those of some bands, to be sorted by priority.

    model is null for the primary model of a role; columns are our fields to show, the priority first; priority is null
    where none is written.
    """

    object: str
    model: str | None
    band: str
    bands: tuple[str, ...]
    priority: str | None
    columns: tuple[str, ...]

    @property
    def label(self) -> str:
        """Name the list as people see it."""
        return f"Leadlight: who to call ({self.model})" if self.model else "Leadlight: who to call"


class Administration(Protocol):
    """Look at a CRM as its administrator does; raises what connector.crm.base.Crm raises."""

    def plan_provision(self, fields: Sequence[NewField], lists: Sequence[CallList] = ()) -> list[Step]:
        """Say what `provision` and `share` would do; reads only."""

    def share(self, fields: Sequence[NewField], lists: Sequence[CallList] = ()) -> None:
        """Make what lets people read the fields and find whom to call; changes nothing of what anybody may do now."""

    def rights(self, needs: Sequence[Need], *, provisioned: bool) -> Iterator[Right]:
        """Hold what the connecting user may do against what is needed; provisioned: every field of ours exists."""


class AdministeredCrm(Crm, Administration, Protocol):
    """Serve the pipeline and the administrator."""
