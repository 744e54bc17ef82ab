"""What a plan is made with: rules that hold for every record, and the draft that collects what follows from them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connector.acting.actions import band_trigger
from connector.acting.configured import role_name
from connector.calendars import Calendars
from connector.models import Line
from connector.plan import Change, ClockStep, EpisodeChange, Guard, JoinChange, NoticeChange, TaskChange
from connector.planning.call_order import CallOrder
from connector.planning.plays import Cast, RolePlayer
from connector.routing.decide import Decision, Terms
from connector.routing.rota import Rota
from connector.settings.acting import Action
from connector.settings.signals import ConsentSettings, Deed
from connector.sla.clock import SlaRules
from mappings.model import WriteField
from mappings.targets import LifecycleTarget, NurtureTarget

RecordKey = tuple[str, str]


@dataclass(frozen=True)
class StateFields:
    """Hold where nurture and lifecycle are written; having gives the objects that have each field."""

    nurture: NurtureTarget | None
    lifecycle: LifecycleTarget | None
    having: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Rules:
    """Hold what planning one record needs to know, the same for every record of the plan.

    deciding gives, by record id, the places in `actions` that name an owner; null where one model alone acts.
    """

    crm: str
    as_of: datetime
    actions: Sequence[Action]
    deciding: Mapping[str, Sequence[int]] | None
    terms: Terms
    working: frozenset[str]  # users who can be given a task
    queue_owned: frozenset[str]  # objects that a queue may own
    lines: Mapping[str | None, Line]  # the models, by the names that actions give them
    owner_field: str | None
    fits: bool  # whether records come with the rules that fit them
    promised: Mapping[RecordKey, str]  # owners that were chosen and have not reached the CRM
    assignable: frozenset[str]  # objects that may be owned by whom we choose
    open: Mapping[tuple[str, str, str], int]
    last: Mapping[tuple[str, str, str], int]
    closed_at: Mapping[tuple[str, str, str], datetime]  # of the newest episode, where that one is closed
    calendars: Calendars
    sla: SlaRules
    states: StateFields
    consent: ConsentSettings

    def refused(self, row: Mapping[str, Any], deed: Deed) -> bool:
        """Tell whether a person does not want to have this done."""
        wishes = (("opted_out", self.consent.opted_out), ("do_not_call", self.consent.do_not_call))
        return any(row.get(column) and deed in deeds for column, deeds in wishes)


@dataclass(frozen=True)
class LineRules:
    """Hold what is the same for every record of one model: its fields by object, and its actions by band.

    waits: its tasks cannot be made for now, so that whoever enters a band does so once they can.
    """

    line: Line
    specs: Mapping[str, Mapping[str, WriteField]]
    actions: Mapping[str, Action]
    baseline: bool
    acting: bool  # what opens has consequences: not a first run's, unless asked
    tasks: bool
    order: CallOrder
    alerts: Sequence[Action] = ()  # those that an event triggers, and no band
    cast: Cast = field(default_factory=dict)
    waits: bool = False

    @property
    def triggers(self) -> tuple[str, ...]:
        """Name what opens episodes by bands."""
        return tuple(band_trigger(band, self.line.named) for band in self.actions)

    def players(self, action: Action, account_id: str) -> list[RolePlayer]:
        """List who stands for the roles of a play, in the order of the file; roles that nobody has are left out."""
        held = self.cast.get(account_id, {})
        wanted = dict.fromkeys(map(role_name, action.roles or ()))
        return [held[role] for role in wanted if role in held]


@dataclass
class Draft:
    """Collect the parts of a plan while the records pass by, once for each model that is about them."""

    rota: Rota
    changes: dict[RecordKey, Change] = field(default_factory=dict)
    decisions: dict[RecordKey, Decision | None] = field(default_factory=dict)  # about owners, each record once
    routing: list[Decision] = field(default_factory=list)  # as they were made, those about tasks among them
    tasks: list[TaskChange] = field(default_factory=list)
    opened: list[EpisodeChange] = field(default_factory=list)
    closed: list[EpisodeChange] = field(default_factory=list)
    resumed: list[EpisodeChange] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    notices: list[NoticeChange] = field(default_factory=list)
    clocks: list[ClockStep] = field(default_factory=list)
    joins: list[JoinChange] = field(default_factory=list)
    withheld: Counter[Deed] = field(default_factory=Counter)  # what people do not want to have done

    def note(self, change: Change) -> None:
        """Join what several models ask of one record: a CRM takes a record once in a request."""
        key = (change.object, change.record_id)
        held = self.changes.get(key)
        if held is None:
            self.changes[key] = change
            return
        why = held if held.total is not None else change
        self.changes[key] = replace(
            held,
            fields={**held.fields, **change.fields},
            owner=held.owner or change.owner,
            band=why.band,
            total=why.total,
            owner_reason=held.owner_reason or change.owner_reason,
        )
