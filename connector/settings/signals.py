"""The tables of the configuration that say what may be a signal, and what is not done to people who opted out."""

import hashlib
import json
from typing import Literal

from pydantic import Field, model_validator

from connector.settings.table import Table

Deed = Literal["tasks", "joins", "notices"]


class SignalSettings(Table):
    """What may be read about people. What is not allowed is not asked of the CRM where that is possible, never kept,
    and taken out of the store where an earlier configuration had let it in."""

    profile: Literal["open", "hipaa"] = Field(
        default="open",
        description="hipaa: only what allow and columns name is read, and no address, title, subject or property of an "
        "event is, since what somebody reads can tell what they suffer from",
    )
    allow: tuple[str, ...] | None = Field(
        default=None,
        description="The types of events that may be read. Default: all; hipaa needs the list",
        examples=[["meeting", "call", "webinar_attended"]],
    )
    columns: tuple[str, ...] = Field(
        default=(), description="hipaa: columns of your own, of people and accounts, that may be read beside the usual"
    )
    sensitive: tuple[str, ...] = Field(
        default=(),
        description="CRM fields that may be read although their names speak of health, origin, belief, sexuality, "
        "union membership, crime, identity papers or children",
    )

    @model_validator(mode="after")
    def _listed(self) -> "SignalSettings":
        if self.profile == "hipaa" and self.allow is None:
            raise ValueError('profile = "hipaa" needs `allow`, the types of events that may be read')
        if self.profile != "hipaa" and self.columns:
            raise ValueError('`columns` has a meaning with profile = "hipaa" alone')
        return self

    @property
    def bare(self) -> bool:
        """Tell whether events are read without addresses, titles and properties."""
        return self.profile == "hipaa"

    @property
    def version(self) -> str:
        """Return 12 hex digits of what decides; with another one, the store is looked through."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:12]


class ConsentSettings(Table):
    """What is not done to people who want to be left alone, whatever their score. Their band opens all the same, so
    that nothing is caught up on when they change their mind."""

    opted_out: tuple[Deed, ...] = Field(
        default=("joins",),
        description="Of those who opted out of mail: tasks, joins (campaign, list, sequence), notices",
    )
    do_not_call: tuple[Deed, ...] = Field(
        default=("tasks",), description="Of those who are not to be called (the column do_not_call)"
    )
