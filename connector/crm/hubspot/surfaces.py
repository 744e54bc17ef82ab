"""What HubSpot keeps beside its CRM objects, by the prefix of its name in a mapping.

`event:TYPE` are the occurrences of an event type, where `{portal}` stands for the account's id and `*` for anything
that no other table of the mapping names; `form:NAME` the submissions of a form by its name or id, `form:*` those of
all forms; `marketing_event:NAME` who took part in a marketing event; `list:NAME` when records joined a list;
`history:OBJECT:PROPERTY,PROPERTY` what properties held before.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from connector.crm.base import Page
from connector.crm.hubspot import forms, histories, marketing_events, memberships
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.cursor import Cursor
from connector.crm.hubspot.describe import EVENT, event_info, stream_info
from connector.crm.hubspot.errors import Refused
from connector.crm.hubspot.events import Events, EventsOfTypes
from connector.errors import Forbidden
from mappings.fields import ObjectInfo

ANY = "*"
PREFIXES = (EVENT, "form:", "history:", "list:", "marketing_event:")


def is_surface(name: str) -> bool:
    """Tell whether a name is that of no CRM object."""
    return name.startswith(PREFIXES)


@dataclass
class Surfaces:
    """Describe and read surfaces; what is asked of all of a kind is remembered, as are the event types named."""

    client: Client
    portal: Callable[[], str]
    _forms: tuple[forms.Form, ...] | None = field(default=None, init=False)
    _marketing_events: tuple[Mapping[str, Any], ...] | None = field(default=None, init=False)
    _types: tuple[str, ...] | None = field(default=None, init=False)
    _refused: Forbidden | None = field(default=None, init=False)
    _lists: dict[str, Mapping[str, Any] | None] = field(default_factory=dict, init=False)
    _named: set[str] = field(default_factory=set, init=False)

    def describe(self, name: str) -> ObjectInfo | None:
        """Describe a surface; null where the account has none of that name. Raises Forbidden and Refused."""
        prefix, _, asked = name.partition(":")
        match f"{prefix}:":
            case "form:":
                there = bool(self._chosen_forms(asked)) or asked == ANY
                return stream_info(name, forms.FIELDS, forms.VALUES) if there else None
            case "history:":
                return stream_info(name, histories.FIELDS) if self._has_properties(asked) else None
            case "list:":
                return stream_info(name, memberships.FIELDS) if self._list(asked) is not None else None
            case "marketing_event:":
                known = bool(self._chosen_events(asked)) or asked == ANY
                return stream_info(name, marketing_events.FIELDS) if known else None
            case _:
                return event_info(name) if self._has_events(asked) else None

    def pages(self, name: str, fields: tuple[str, ...], cursor: Cursor) -> Iterator[Page]:
        """Read what is new since the cursor."""
        prefix, _, asked = name.partition(":")
        match f"{prefix}:":
            case "form:":
                return forms.Submissions(self.client, self._chosen_forms(asked), fields).pages(cursor)
            case "history:":
                return histories.Histories(self.client, *histories.named(asked), fields).pages(cursor)
            case "list:":
                return memberships.Memberships(self.client, self._list(asked) or {}, fields).pages(cursor)
            case "marketing_event:":
                return marketing_events.Participations(self.client, self._chosen_events(asked), fields).pages(cursor)
            case _ if ANY in asked:
                return EventsOfTypes(self.client, self._matching(asked), fields).pages(cursor)
            case _:
                return Events(self.client, self._event_type(asked), fields).pages(cursor)

    def _chosen_forms(self, asked: str) -> tuple[forms.Form, ...]:
        if self._forms is None:
            self._forms = forms.all_forms(self.client)
        return forms.chosen(self._forms, asked)

    def _chosen_events(self, asked: str) -> tuple[Mapping[str, Any], ...]:
        if self._marketing_events is None:
            self._marketing_events = marketing_events.all_events(self.client)
        return marketing_events.chosen(self._marketing_events, asked)

    def _has_properties(self, asked: str) -> bool:
        """Tell whether an object and all its named properties are there."""
        object_type, properties = histories.named(asked)
        try:
            defined = self.client.properties(object_type).json().get("results") or ()
        except Refused:
            return False
        return bool(properties) and set(properties) <= {str(one["name"]) for one in defined if not one.get("archived")}

    def _list(self, asked: str) -> Mapping[str, Any] | None:
        if asked not in self._lists:
            self._lists[asked] = memberships.find_list(self.client, asked)
        return self._lists[asked]

    def _event_type(self, asked: str) -> str:
        return asked.replace("{portal}", self.portal()) if "{portal}" in asked else asked

    def _has_events(self, asked: str) -> bool:
        if ANY in asked:
            return bool(self._matching(asked))
        self._named.add(self._event_type(asked))
        return self._event_type(asked) in self._known_types()

    def _matching(self, asked: str) -> tuple[str, ...]:
        """Name the event types that a pattern takes in, and that no table has for itself."""
        pattern = self._event_type(asked)
        return tuple(one for one in self._known_types() if fnmatchcase(one, pattern) and one not in self._named)

    def _known_types(self) -> tuple[str, ...]:
        if self._refused is not None:
            raise self._refused  # asked once, whatever the number of event types
        if self._types is None:
            try:
                self._types = tuple(str(one) for one in self.client.event_types().json().get("eventTypes") or ())
            except Forbidden as error:
                self._refused = error
                raise
        return self._types
