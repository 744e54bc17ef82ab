"""What HubSpot keeps beside its CRM objects, by the prefix of its name in a mapping.

`event:TYPE` are the occurrences of an event type, where `{portal}` stands for the account's id; `form:NAME` the
submissions of a form by its name or id, `form:*` those of all forms.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from connector.crm.base import Page
from connector.crm.hubspot import forms
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.cursor import Cursor
from connector.crm.hubspot.describe import EVENT, event_info, stream_info
from connector.crm.hubspot.events import Events
from mappings.fields import ObjectInfo

FORM = "form:"
PREFIXES = (EVENT, FORM)


def is_surface(name: str) -> bool:
    """Tell whether a name is that of no CRM object."""
    return name.startswith(PREFIXES)


@dataclass
class Surfaces:
    """Describe and read surfaces; what is asked of all of a kind is remembered."""

    client: Client
    portal: Callable[[], str]
    _forms: tuple[forms.Form, ...] | None = field(default=None, init=False)

    def describe(self, name: str) -> ObjectInfo | None:
        """Describe a surface; null where the account has no such form. Raises Forbidden and Refused."""
        if name.startswith(FORM):
            known = self._chosen_forms(name)
            return stream_info(name, forms.FIELDS, forms.VALUES) if known or name == f"{FORM}*" else None
        return event_info(name)

    def pages(self, name: str, fields: tuple[str, ...], cursor: Cursor) -> Iterator[Page]:
        """Read what is new since the cursor."""
        if name.startswith(FORM):
            return forms.Submissions(self.client, self._chosen_forms(name), fields).pages(cursor)
        return Events(self.client, self._event_type(name), fields).pages(cursor)

    def _chosen_forms(self, name: str) -> tuple[forms.Form, ...]:
        if self._forms is None:
            self._forms = forms.all_forms(self.client)
        return forms.chosen(self._forms, name.removeprefix(FORM))

    def _event_type(self, name: str) -> str:
        event_type = name.removeprefix(EVENT)
        return event_type.replace("{portal}", self.portal()) if "{portal}" in event_type else event_type
