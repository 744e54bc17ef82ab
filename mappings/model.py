"""What a mapping file may say, as frozen specifications; reads no file and knows no CRM client.

Terminology: an *object* is a CRM record type, a *source* says which CRM fields a canonical column comes from, a
*condition* asks something of a CRM row, a *target* is a CRM field that results are written to.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from mappings.create import CreateTarget
from mappings.spec import ASSOCIATIONS, Condition, ConstantForm, Names, Source, SourceForm, SourcesForm, Spec
from mappings.targets import (
    FeedbackField,
    ModelTarget,
    OwnerTarget,
    Role,
    TaskField,
    TaskTarget,
    WriteField,
    WriteTargets,
)
from mappings.transforms import READS
from scoring.schema import ACCOUNTS, BUILT_IN_FIELDS, PEOPLE

CanonicalName = Literal["people", "accounts", "events", "outcomes", "credits", "history", "rates"]
OutcomeKind = Literal["opportunity_created", "closed_won", "closed_lost", "accepted", "rejected"]
_COLUMN: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_TAKEN: Final = frozenset({"person_id", "account_id", "kind", *PEOPLE.reserved, *ACCOUNTS.reserved, *BUILT_IN_FIELDS})


def _column_name(name: str) -> str:
    """Refuse names that no model could use, and those of columns that are filled otherwise."""
    if name in _TAKEN:
        raise ValueError(f"column {name!r} is filled by Leadlight itself")
    if not _COLUMN.match(name):
        raise ValueError(f"column {name!r} must be lower-case letters, digits and underscores")
    return name


ColumnName = Annotated[str, AfterValidator(_column_name)]


class EventEntry(Spec):
    """Name the type of the rows that match, and where their other columns come from.

    A row gives the event of the first entry that matches, and one more for each matching entry that is `beside` (a
    mail that was sent and opened), whose event_id ends in `:TYPE`. occurred_at of an entry goes before the table's.
    """

    type: ConstantForm
    when: Condition | None = None
    beside: bool = False
    occurred_at: SourcesForm = ()
    url: SourceForm | None = None
    asset: SourceForm | None = None
    source: SourceForm | None = None
    value: SourceForm | None = None
    props: SourceForm | None = None
    is_bot: SourceForm | None = None

    def columns(self) -> dict[str, Source]:
        """Give the event columns this entry fills, `type` included."""
        names = ("type", "url", "asset", "source", "value", "props", "is_bot")
        return {name: source for name in names if (source := getattr(self, name)) is not None}


class OutcomeEntry(Spec):
    """Name the outcome that a matching row is, and when it happened."""

    kind: OutcomeKind
    occurred_at: SourcesForm
    when: Condition | None = None
    reason: SourceForm | None = None
    amount: SourceForm | None = None
    currency: SourceForm | None = None

    def columns(self) -> dict[str, Source]:
        """Give the outcome columns this entry fills besides `kind` and `occurred_at`."""
        names = ("reason", "amount", "currency")
        return {name: source for name in names if (source := getattr(self, name)) is not None}


class ReadTable(Spec):
    """Say what the rows of one CRM object are.

    key and modified default to the CRM's own (Id, SystemModstamp; id, hs_lastmodifieddate). name lists the fields that
    make the name people know the record by. `where` keeps rows. The outcomes of a table of people are verdicts on
    them. only_types: the types of events that may come out. optional: the object, and any field of it, may be absent
    from this org.
    """

    table: CanonicalName
    kind: Literal["lead", "contact"] | None = None
    key: str = ""
    modified: str = ""
    name: Names = ()
    where: Condition | None = None
    person: SourcesForm = ()
    account: SourcesForm = ()
    fields: dict[ColumnName, SourceForm] = Field(default_factory=dict)
    derive: dict[ColumnName, SourceForm] = Field(default_factory=dict)
    occurred_at: SourcesForm = ()
    event: tuple[EventEntry, ...] = ()
    replaces: SourcesForm = ()
    only_types: tuple[str, ...] | None = None
    outcome: tuple[OutcomeEntry, ...] = ()
    optional: bool = False

    @model_validator(mode="after")
    def _coherent(self) -> "ReadTable":
        problems = [*self._missing_keys()]
        problems += [
            f"column {name!r} is given twice, in fields and in derive" for name in self.fields if name in self.derive
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _missing_keys(self) -> Iterator[str]:
        allowed = {
            "people": {"kind", "account", "fields", "derive", "outcome"},
            "accounts": {"fields", "derive"},
            "events": {"person", "account", "occurred_at", "event", "replaces"},
            "outcomes": {"person", "account", "outcome"},
            "credits": {"person", "fields"},
            "history": {"fields"},
            "rates": {"fields"},
        }[self.table]
        special = {"kind", "person", "account", "fields", "derive", "occurred_at", "event", "replaces", "outcome"}
        for name in sorted(self.model_fields_set & (special - allowed)):
            yield f"`{name}` has no meaning for table = {self.table!r}"
        needed: dict[str, tuple[str, ...]] = {"people": ("kind",), "accounts": (), "outcomes": ("outcome",)}
        needed |= {
            "events": ("occurred_at", "event"),
            "credits": ("person", "fields"),
            "history": ("fields",),
            "rates": ("fields",),
        }
        for name in needed[self.table]:
            if not getattr(self, name):
                yield f"table = {self.table!r} needs `{name}`"
        columns = {
            "credits": ("deal_id",),
            "rates": ("currency", "per_corporate"),
            "history": ("object", "subject_id", "field", "changed_at"),
        }
        for name in columns.get(self.table, ()):
            if name not in self.fields:
                yield f"table = {self.table!r} needs `fields.{name}`"
        if self.table in ("events", "outcomes") and not (self.person or self.account):
            yield f"table = {self.table!r} needs `person` or `account`"

    def sources(self) -> Iterator[Source]:
        """Walk every source of the table, those of its entries included."""
        yield from (*self.person, *self.account, *self.columns().values(), *self.occurred_at, *self.replaces)
        for event in self.event:
            yield from (*event.occurred_at, *event.columns().values())
        for outcome in self.outcome:
            yield from (*outcome.occurred_at, *outcome.columns().values())

    def said(self) -> dict[str, Any]:
        """Give all that is said here, and the version of the lists that transforms read."""
        used = [(source.lists, READS.get(source.transform or "", ())) for source in self.sources()]
        names = {name for _, read in used for name in read}
        return super().said() | ({"lists": used[0][0].version(names)} if names else {})

    def columns(self) -> dict[str, Source]:
        """Give the columns that fields and derive fill."""
        return {**self.fields, **self.derive}


_DUE_KIND: Final = {"salesforce": "date", "hubspot": "datetime"}
_DEFAULT_STAMPS: Final = {"salesforce": ("Id", "SystemModstamp"), "hubspot": ("id", "hs_lastmodifieddate")}


class Mapping(Spec):
    """Map one CRM to the canonical tables and back; `dropped` tells what `prune` took out for this org.

    `off` holds the (object, field) pairs that are not written for now, since the CRM no longer has or allows them; a
    pair without a field says that no tasks can be made. `creating` is set where a configuration makes use of `create`.
    """

    crm: Literal["salesforce", "hubspot"]
    read: dict[str, ReadTable]
    write: WriteTargets = Field(default_factory=WriteTargets)
    feedback: FeedbackField | None = None
    create: CreateTarget | None = None
    creating: bool = Field(default=False, exclude=True)
    dropped: tuple[str, ...] = Field(default=(), exclude=True)
    off: frozenset[tuple[str, str]] = Field(default=frozenset(), exclude=True)

    @model_validator(mode="after")
    def _vendor_defaults(self) -> "Mapping":
        key, modified = _DEFAULT_STAMPS[self.crm]
        filled = {
            name: table.model_copy(update={"key": table.key or key, "modified": table.modified or modified})
            for name, table in self.read.items()
        }
        self.read.update(filled)
        task = self.write.task
        if task is not None and (due := task.fields.get("due")) is not None and due.kind == "text":
            task.fields["due"] = due.model_copy(update={"kind": _DUE_KIND[self.crm]})
        if self.crm == "salesforce" and self.create is not None and self.create.key_is_email:
            raise ValueError("create.key_field: Salesforce takes an address twice; name a field of ours there")
        return self

    @property
    def creates(self) -> CreateTarget | None:
        """Say how people are created; null where nobody is, whatever the file says."""
        return self.create if self.creating else None

    @property
    def tasks_wait(self) -> bool:
        """Tell whether tasks are wanted and cannot be made for now."""
        return any(not field for _, field in self.off)

    def specs(self, object: str, role: Role, model_id: str | None) -> dict[str, WriteField]:  # noqa: A002 - the vendors' word
        """Give the fields of one model that can be written on one object."""
        found = self.write.specs(role, model_id)
        return {name: spec for name, spec in found.items() if (object, spec.field) not in self.off}

    def key_of(self, object: str) -> str:  # noqa: A002 - the vendors' own word
        """Name the field that holds an object's ids, also of one that is only written."""
        read = self.read.get(object)
        return read.key if read is not None else _DEFAULT_STAMPS[self.crm][0]

    def address_fields(self) -> dict[str, str]:
        """Name the field that holds the address on every object of people that has one, contacts first."""
        people = sorted(self.objects("people"), key=lambda name: self.read[name].kind != "contact")
        found = {name: self.read[name].fields.get("email") for name in people}
        return {name: source.from_[0] for name, source in found.items() if source is not None and source.from_}

    def objects(self, table: CanonicalName) -> tuple[str, ...]:
        """List the CRM objects that one canonical table is read from."""
        return tuple(name for name, read in self.read.items() if read.table == table)


__all__ = [
    "ASSOCIATIONS",
    "CanonicalName",
    "Condition",
    "CreateTarget",
    "EventEntry",
    "FeedbackField",
    "Mapping",
    "ModelTarget",
    "OutcomeEntry",
    "OwnerTarget",
    "ReadTable",
    "Role",
    "Source",
    "TaskField",
    "TaskTarget",
    "WriteField",
    "WriteTargets",
]
