"""The plan: what would be written, as data that can be read, checked and refused."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from connector.crm.base import JsonScalar
from connector.errors import ConfigError, UnsafePlan
from connector.routing.decide import Decision
from connector.store.clocks import StepName

PLAN_SCHEMA = 1
MODEL_CHANGED = "model_changed"  # a guard
NEW_PEOPLE = "new_people"  # a guard that counts


@dataclass(frozen=True)
class Change:
    """Ask for one record's fields to change; fields and owner hold (before, after), owner may be absent.

    band and total are why; a person reads them beside the diff; total is null where the record left an audience.
    owner_reason says by which rule and pool, and which action decided where several name an owner.
    """

    object: str
    record_id: str
    fields: Mapping[str, tuple[JsonScalar, JsonScalar]]
    owner: tuple[str | None, str] | None
    band: str | None
    total: float | None
    owner_reason: str | None = None


@dataclass(frozen=True)
class TaskChange:
    """Ask for one task; action is the band or rule whose [[action]] holds the wording, which is rendered when applied.

    due_at is UTC text; account_id is the company to link where the CRM allows it. subject tells what the record is; the
    task of a play on an account may be about a person of it, who has this role.
    """

    object: str
    record_id: str
    trigger: str
    episode: int
    key: str
    action: str
    owner_id: str | None
    account_id: str | None
    due_at: str | None
    band: str | None
    total: float
    reasons: str | None
    subject: str = "person"  # or account
    role: str | None = None
    person_object: str | None = None
    person_id: str | None = None

    @property
    def person(self) -> tuple[str, str] | None:
        """Give the object and id of the person that the task is about, if it is about one."""
        if self.subject == "person":
            return self.object, self.record_id
        return (self.person_object, self.person_id) if self.person_object and self.person_id else None


@dataclass(frozen=True)
class NoticeChange:
    """Ask for one message to a [[channel]]; text is the template, which is filled when it is applied.

    key is unique for ever: derived from record, trigger, step and episode, as that of a task is.
    """

    object: str
    record_id: str
    trigger: str
    episode: int
    key: str
    channel: str
    text: str
    owner_id: str | None
    account_id: str | None
    band: str | None
    total: float | None
    reasons: str | None
    subject: str = "person"  # or account


@dataclass(frozen=True)
class JoinChange:
    """Ask for one person to be put on something: what is campaign, list or sequence, to its name or id.

    key is as that of a notice; owner_id is whose mail a sequence sends where the configuration names nobody.
    """

    object: str
    record_id: str
    trigger: str
    episode: int
    key: str
    what: str
    to: str
    status: str | None
    user_id: str | None
    sender: str | None
    owner_id: str | None


@dataclass(frozen=True)
class CreateChange:
    """Ask for one person whom a feed found to be created; fields names what the record is given.

    key is derived from the address and unique for ever; what is known of the person is filled in when it is applied.
    """

    object: str
    key: str
    feed: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class EpisodeChange:
    """Open, close or resume one episode."""

    object: str
    record_id: str
    trigger: str
    number: int


@dataclass(frozen=True)
class ClockStep:
    """Start an SLA clock, or record what happened on it: remind, breach or touch; at is UTC text.

    owner_id is who was in charge; given_to who gets the record at a breach; worked_s the working seconds to the touch.
    """

    object: str
    record_id: str
    trigger: str
    episode: int
    name: StepName
    at: str
    owner_id: str | None = None
    task_key: str | None = None
    given_to: str | None = None
    touched_by: str | None = None
    worked_s: int | None = None


@dataclass(frozen=True)
class Guard:
    """State one measured share beside the limit it must not pass; detail says what a share cannot."""

    name: str
    measured: float
    limit: float
    population: int
    detail: str = ""

    @property
    def tripped(self) -> bool:
        """Tell whether the limit is passed."""
        return self.measured > self.limit

    @property
    def flag(self) -> str:
        """Name the argument that lets it pass."""
        return "--accept-model" if self.name == MODEL_CHANGED else f"--allow {self.name}"

    @property
    def figures(self) -> str:
        """Give what was measured beside the limit."""
        if self.name == NEW_PEOPLE:
            return f"{self.measured:,.0f} (limit {self.limit:,.0f})"
        return f"{self.measured:.1%} of {self.population:,} (limit {self.limit:.1%})"

    def __str__(self) -> str:
        """Say what was measured."""
        shares = f"{self.measured:.1%} of {self.population:,} is over the limit of {self.limit:.1%}"
        return f"guard {self.name}: {self.detail or shares}"


@dataclass(frozen=True)
class Plan:
    """Hold everything one apply would do; equal store, configuration and as_of give equal bytes.

    revision names the committed state it was made from; as_of is UTC text. resumed are closed episodes that go on,
    since the record came back within the cool-down. routing holds every decision about an owner in the order in which
    they were made, those that wait included; warnings are for people, and stop nothing.
    clocks are the steps of SLA clocks.
    """

    crm: str
    as_of: str
    model: str
    config_hash: str
    revision: str
    baseline: bool
    changes: tuple[Change, ...]
    tasks: tuple[TaskChange, ...]
    opened: tuple[EpisodeChange, ...]
    closed: tuple[EpisodeChange, ...]
    guards: tuple[Guard, ...]
    resumed: tuple[EpisodeChange, ...] = ()
    notices: tuple[NoticeChange, ...] = ()
    joins: tuple[JoinChange, ...] = ()
    routing: tuple[Decision, ...] = ()
    warnings: tuple[str, ...] = ()
    clocks: tuple[ClockStep, ...] = ()
    creates: tuple[CreateChange, ...] = ()

    def counts(self) -> dict[str, int]:
        """Count the field changes' records, owner changes, tasks, notices, memberships and new people."""
        return {
            "fields": sum(1 for change in self.changes if change.fields),
            "owners": sum(1 for change in self.changes if change.owner),
            "tasks": len(self.tasks),
            "notices": len(self.notices),
            "joins": len(self.joins),
            "creates": len(self.creates),
        }

    @property
    def size(self) -> int:
        """Count everything that would be sent."""
        return len(self.changes) + len(self.tasks) + len(self.notices) + len(self.joins) + len(self.creates)


def checksum(plan: Plan) -> str:
    """Give the sha256 of the plan's canonical JSON."""
    return hashlib.sha256(_canonical(plan)).hexdigest()


def save_plan(plan: Plan, path: Path) -> str:
    """Write a plan for review, readable by its owner only; returns its checksum."""
    digest = checksum(plan)
    text = json.dumps({"schema": PLAN_SCHEMA, "checksum": digest, "plan": _data(plan)}, ensure_ascii=False, indent=1)
    path.touch(mode=0o600)
    path.chmod(0o600)  # it may have been there before
    path.write_text(text + "\n", encoding="utf-8")
    return digest


def load_plan(path: Path) -> Plan:
    """Read a plan back; raises ConfigError where it is no plan or was changed after it was made."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        plan = _from_data(document["plan"])
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such plan file; make one with `leadlight plan -o {path}`") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{path}: not a plan file; make one with `leadlight plan -o {path}`") from None
    if document.get("checksum") != checksum(plan):
        raise ConfigError(f"{path}: was changed after it was made (checksum differs); make a new plan")
    return plan


def refuse_unsafe(plan: Plan, allowed: Sequence[str] = ()) -> None:
    """Raise UnsafePlan naming every guard that tripped, but those that the user allowed by name."""
    tripped = [guard for guard in plan.guards if guard.tripped and guard.name not in allowed]
    if tripped:
        advice = "look at `leadlight plan`, then pass {flag} or change [limits]"
        raise UnsafePlan("\n".join(f"{guard}; {advice.format(flag=guard.flag)}" for guard in tripped))


def _canonical(plan: Plan) -> bytes:
    return json.dumps(_data(plan), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _data(plan: Plan) -> dict[str, Any]:
    """Give the plan as JSON has it; a reason that is not there is left out."""
    data = asdict(plan)
    for change in data["changes"]:
        if change["owner_reason"] is None:
            del change["owner_reason"]
    return data


def _from_data(data: Mapping[str, Any]) -> Plan:
    return Plan(
        **{
            **data,
            "changes": tuple(_change(row) for row in data["changes"]),
            "tasks": tuple(TaskChange(**row) for row in data["tasks"]),
            "opened": _episodes(data["opened"]),
            "closed": _episodes(data["closed"]),
            "resumed": _episodes(data.get("resumed", ())),
            "clocks": tuple(ClockStep(**row) for row in data.get("clocks", ())),
            "guards": tuple(Guard(**row) for row in data["guards"]),
            "notices": tuple(NoticeChange(**row) for row in data.get("notices", ())),
            "joins": tuple(JoinChange(**row) for row in data.get("joins", ())),
            "routing": tuple(Decision(**row) for row in data.get("routing", ())),
            "warnings": tuple(data.get("warnings", ())),
            "creates": tuple(_create(row) for row in data.get("creates", ())),
        }
    )


def _change(row: Mapping[str, Any]) -> Change:
    fields = {name: (before, after) for name, (before, after) in row["fields"].items()}
    return Change(**{**row, "fields": fields, "owner": tuple(row["owner"]) if row["owner"] else None})


def _create(row: Mapping[str, Any]) -> CreateChange:
    return CreateChange(**{**row, "fields": tuple(row["fields"])})


def _episodes(rows: Sequence[Mapping[str, Any]]) -> tuple[EpisodeChange, ...]:
    return tuple(EpisodeChange(**row) for row in rows)
