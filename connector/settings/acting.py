"""The tables of the configuration that say what a score means in the CRM: owners, tasks, notices."""

from typing import Literal

from pydantic import Field, model_validator
from pydantic import field_validator as check

from connector.settings import checks
from connector.settings.notices import NotifyAction
from connector.settings.table import Table

EFFECTS = ("owner", "task", "notify", "add_to", "nurture", "lifecycle")


class OwnerAction(Table):
    """Who gets the record: pool, or route = true."""

    pool: str | None = Field(default=None, description="id of a [[pool]]", examples=["sdr"])
    route: Literal[True] | None = Field(
        default=None, description="true, in place of a pool: as the [[route]] rules say"
    )
    strategy: Literal["round_robin"] = Field(default="round_robin", description="by turns, as the pool's weights say")

    _one = model_validator(mode="after")(checks.pool_or_route)


class TaskAction(Table):
    """What is to be done, in words; templates know name, company, title, band, score, reasons, owner,
    model."""

    subject: str = Field(min_length=1, description="template", examples=["Call {{ name }}: {{ band }} ({{ score }})"])
    due: str = Field(
        default="1d",
        description="time from entering the band: s, m, h (working time), d (working days) or w",
        examples=["1h"],
    )
    hours: str | None = Field(default=None, description="id of [[hours]]; default: the first ones", examples=["sdr"])
    priority: str | None = Field(default=None, description="as the CRM names it", examples=["High"])
    body: str = Field(default="", description="template", examples=["{{ reasons }}"])
    playbook: tuple[str, ...] = Field(
        default=(),
        description="what to do, listed below the body: templates or addresses",
        examples=[["Say which page they saw", "https://wiki.acme.com/calls/{{ band }}"]],
    )

    _due = check("due")(checks.duration)
    _templates = check("subject", "body")(checks.template)
    _playbook = check("playbook")(checks.templates)


class AddAction(Table):
    """What to put a person on: one of campaign (Salesforce), list and sequence (HubSpot)."""

    campaign: str | None = Field(default=None, description="name or id of a campaign", examples=["Hot leads"])
    status: str | None = Field(
        default=None, description="of the new campaign member; default: the campaign's own", examples=["Sent"]
    )
    list: str | None = Field(default=None, description="name or id of a manual list", examples=["Hot leads"])
    sequence: str | None = Field(default=None, description="id of a sequence", examples=["400000001"])
    user_id: str | None = Field(
        default=None, description="with sequence: the HubSpot user who enrols, who needs a seat for it", examples=["77"]
    )
    sender: str | None = Field(
        default=None, description="with sequence: whose mail it is. Default: the owner's", examples=["ana@acme.com"]
    )

    _one = model_validator(mode="after")(checks.one_membership)


class Action(Table):
    """What entering a band means: an owner, a task, a notice, or several of them. With rule in place of band, what an
    event means at once, whatever the band."""

    band: str | None = Field(
        default=None,
        description="A band of the model; an action has this or rule",
        examples=["hot"],
        json_schema_extra={"shown": True},
    )
    rule: str | None = Field(
        default=None,
        description="An [[engagement]] rule of the model, in place of band: a new event that it is about acts at once",
        examples=["demo_request"],
    )
    model: str | None = Field(
        default=None, description="Id of a model. Default: the primary one of people", examples=["expansion"]
    )
    owner: OwnerAction | None = Field(
        default=None,
        description="Only records that nobody owns are given an owner; where bands of several models name one, "
        "the first action in this file decides",
    )
    task: TaskAction | None = Field(default=None, description="One task for each time that a record enters the band")
    notify: NotifyAction | None = Field(default=None, description="One message for each time that it enters the band")
    add_to: AddAction | None = Field(
        default=None,
        description="What to put the person on, once for each time that it enters the band; nobody is taken off",
        examples=[{"list": "Hot leads"}],
    )
    nurture: str | None = Field(
        default=None,
        description="Value of the mapping's [write.nurture] field while the record is in the band",
        examples=["monthly"],
    )
    lifecycle: str | None = Field(
        default=None,
        description="Value of the mapping's [write.lifecycle] field to move forward to; it is never moved back",
        examples=["marketingqualifiedlead"],
    )
    cool_down: str | None = Field(
        default=None,
        description="A record that leaves the band and comes back within this time gets no second task; after an "
        "event, further ones within this time (default 1d) are not told",
        examples=["7d"],
    )
    fresh: str | None = Field(
        default=None,
        description="With rule: an event that is older when it is first seen is history. Default 1d",
        examples=["4h"],
    )
    roles: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="With a model of accounts: one task for each of these roles, about its best-scored contact; "
        "without, or where nobody has one of them, one task on the account",
        examples=[["decision_maker", "champion"]],
    )

    _durations = check("cool_down", "fresh")(checks.optional_duration)

    @model_validator(mode="after")
    def _not_empty(self) -> "Action":
        if (self.band is None) == (self.rule is None):
            raise ValueError("names a band or a rule, one of them")
        if self.fresh is not None and self.rule is None:
            raise ValueError("fresh is for a rule")
        if self.nurture is not None and self.rule is not None:
            raise ValueError("nurture follows a band and has no meaning with a rule")
        return checks.does_something(self, EFFECTS)
