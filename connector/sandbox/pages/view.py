"""What a page shows, whatever the CRM."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Reason:
    """Say one reason of a score: its points as they are written there, and its words."""

    points: str
    text: str

    @property
    def lowers(self) -> bool:
        """Tell whether it takes points away."""
        return self.points.startswith(("-", "−"))


@dataclass(frozen=True)
class Score:
    """Show what one model wrote on a record; name is empty for the primary one, share is the score of 100."""

    name: str
    value: str
    share: float
    band: str
    priority: str
    fit: str
    engagement: str
    reasons: tuple[Reason, ...]
    model: str
    scored_at: datetime | None


@dataclass(frozen=True)
class Task:
    """Show one task; ours: it carries our key."""

    subject: str
    status: str
    priority: str
    owner: str
    due_at: datetime | None
    whole_day: bool
    lines: tuple[str, ...]
    closed: bool
    ours: bool


@dataclass(frozen=True)
class Activity:
    """Show one thing that happened."""

    at: datetime
    kind: str
    text: str


@dataclass(frozen=True)
class Membership:
    """Show one campaign or list that a record is on."""

    name: str
    detail: str


@dataclass(frozen=True)
class Change:
    """Show one change of a record: who, and what as (field, before, after)."""

    at: datetime
    actor: str
    what: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class ListedRecord:
    """Show one record on a list page; tasks counts its open ones."""

    url: str
    name: str
    detail: str
    owner: str
    score: str
    band: str
    priority: str
    reason: str
    tasks: int


@dataclass(frozen=True)
class RecordView:
    """Show one record."""

    crm: str
    kind: str
    name: str
    title: str
    company: str
    company_url: str
    owner: str
    list_url: str
    facts: tuple[tuple[str, str], ...]
    scores: tuple[Score, ...]
    tasks: tuple[Task, ...]
    activities: tuple[Activity, ...]
    memberships: tuple[Membership, ...]
    changes: tuple[Change, ...]
    people: tuple[ListedRecord, ...] = field(default=())

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        """Give the tasks that are to be done, the earliest first."""
        waiting = (task for task in self.tasks if not task.closed)
        return tuple(sorted(waiting, key=lambda task: task.due_at.timestamp() if task.due_at else float("inf")))

    @property
    def closed_tasks(self) -> tuple[Task, ...]:
        """Give the tasks that are done."""
        return tuple(task for task in self.tasks if task.closed)


@dataclass(frozen=True)
class ListView:
    """Show an object's records in the order of our priority; total counts those beyond the page too."""

    crm: str
    kind: str
    rows: tuple[ListedRecord, ...]
    total: int
    others: tuple[tuple[str, str], ...]
