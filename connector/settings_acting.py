"""The tables of the configuration that say what a score means in the CRM: owners, tasks, notices."""

from typing import Literal

from pydantic import Field, model_validator
from pydantic import field_validator as check

from connector import settings_checks as checks
from connector.settings_notices import NotifyAction
from connector.settings_table import Table

EFFECTS = ("owner", "task", "notify")


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


class Action(Table):
    """What entering a band means: an owner, a task, a notice, or several of them."""

    band: str = Field(description="A band of the model", examples=["hot"])
    model: str | None = Field(
        default=None, description="Id of the model of people. Default: the primary one", examples=["expansion"]
    )
    owner: OwnerAction | None = Field(
        default=None,
        description="Only records that nobody owns are given an owner; where bands of several models name one, "
        "the first action in this file decides",
    )
    task: TaskAction | None = Field(default=None, description="One task for each time that a record enters the band")
    notify: NotifyAction | None = Field(default=None, description="One message for each time that it enters the band")
    cool_down: str | None = Field(
        default=None,
        description="A record that leaves the band and comes back within this time gets no second task",
        examples=["7d"],
    )

    _cool_down = check("cool_down")(checks.optional_duration)

    @model_validator(mode="after")
    def _not_empty(self) -> "Action":
        return checks.does_something(self, EFFECTS)
