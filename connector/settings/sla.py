"""The table of the configuration that says how soon people are to act."""

from collections.abc import Iterator
from typing import Final, Literal

from pydantic import Field, model_validator
from pydantic import field_validator as check

from connector.acting.actions import parse_duration
from connector.settings import checks
from connector.settings.notices import NotifyAction
from connector.settings.table import Table

TASK_TOUCH: Final = "task"  # beside the types of events: our own task was completed


class Reminder(NotifyAction):
    """Who is told before a breach."""

    text: str = Field(
        default="{{ owner }}: {{ name }} of {{ company }} is {{ band }} ({{ score }}), nobody has acted yet. {{ url }}",
        description="template, as of an action's notify; owner is who is to act",
    )


class BreachNotice(NotifyAction):
    """Who is told of a breach."""

    text: str = Field(
        default="Nobody acted in time on {{ name }} of {{ company }}, {{ band }} ({{ score }}); "
        "the owner is {{ owner }}. {{ url }}",
        description="template, as of an action's notify; owner is who has the record now",
    )


class SlaSettings(Table):
    """How soon somebody acts on a record that enters a band, in the working hours of its owner. The clock starts with
    the episode (not for those whom the first run finds there) and goes on after the breach, until the first touch."""

    band: str = Field(description="A band that an [[action]] is for", examples=["hot"])
    model: str | None = Field(
        default=None, description="Id of the model of people. Default: the primary one", examples=["expansion"]
    )
    first_touch: str = Field(default="1h", description="s, m, h (working time), d (working days) or w")
    remind_after: str | None = Field(default=None, description="When to remind the owner", examples=["45m"])
    remind: Reminder | None = Field(default=None, description="Whom to tell then, and what")
    hours: str | None = Field(default=None, description="id of [[hours]]; default: the first ones", examples=["sdr"])
    touched_by: tuple[str, ...] = Field(
        default=("call", "email_sent", "meeting", "task"),
        min_length=1,
        description="Types of events that are a touch; task: our task was completed",
    )
    on_breach: tuple[Literal["notify", "reassign", "raise"], ...] = Field(
        default=(),
        description="notify: tell people, as `notify` says. reassign: the next of the action's pool gets record and "
        "task, where the owner is still whom we chose. raise: it gets `priority`; `pool` gets record and task",
        examples=[["notify", "reassign"]],
    )
    notify: BreachNotice | None = Field(default=None, description="Whom to tell of a breach, and what")
    priority: str | None = Field(default=None, description="of the task, for raise", examples=["High"])
    pool: str | None = Field(default=None, description="id of a [[pool]], for raise", examples=["sdr"])

    _first_touch = check("first_touch")(checks.duration)
    _remind_after = check("remind_after")(checks.optional_duration)

    @model_validator(mode="after")
    def _fits_together(self) -> "SlaSettings":
        if problem := next(_misfits(self), None):
            raise ValueError(problem)
        return self


def _misfits(sla: SlaSettings) -> Iterator[str]:
    """Say what is asked for without what it needs."""
    for asked, needed, given in (
        ("remind_after" if sla.remind_after else None, "remind", sla.remind),
        ("notify" if "notify" in sla.on_breach else None, "notify", sla.notify),
        ("raise" if "raise" in sla.on_breach else None, "priority, pool or both", sla.priority or sla.pool),
    ):
        if asked and not given:
            yield f"{asked} needs {needed}; set it"
    if sla.remind_after and parse_duration(sla.remind_after) >= parse_duration(sla.first_touch):
        yield f"remind_after {sla.remind_after} is not before first_touch {sla.first_touch}; remind earlier"
