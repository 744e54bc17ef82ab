"""The CRM port: what the pipeline asks of a vendor, and nothing more.

Terminology: an *object* is a vendor's record type (Lead, contacts); a *row* is one record as an Arrow row; a *write*
is a desired state of one record; a *cursor* is opaque text that belongs to the adapter and is stored with the rows it
covers. Adapters translate every vendor exception into connector.errors at their boundary.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from connector.errors import LeadlightError, OutOfTime
from mappings.fields import NewField, ObjectInfo

if TYPE_CHECKING:  # who looks at a store needs the port's words, and no Arrow
    import pyarrow as pa

JsonScalar = str | int | float | bool | None

# What a person can be put on, as objects of a Write with a key: fields are `to` (its name or id), `object` and
# `record_id` of the person; of a campaign also status, of a sequence user_id and sender (an e-mail address). Putting
# somebody on it who is on it already is an acknowledgement.
CAMPAIGN, LIST, SEQUENCE = "campaign", "list", "sequence"


@dataclass(frozen=True)
class Capabilities:
    """State facts about a vendor that the pipeline needs."""

    crm: str
    url_of: str  # str.format pattern with {instance}, {object}, {id}: where a person opens the record
    silent: bool = False  # some deletions and links that come or go are never told by `changes`: `look` for them


@dataclass(frozen=True)
class Connection:
    """Say who we are to the CRM; server_time_at is UTC from its Date header, whole seconds."""

    org_id: str
    user_id: str
    server_time_at: datetime
    api_used: int | None = None
    api_limit: int | None = None


@dataclass(frozen=True)
class Owner:
    """Name a user or a queue that may own records; timezone is the user's own, null where the CRM tells none."""

    id: str
    name: str
    email: str | None
    active: bool
    queue: bool = False
    timezone: str | None = None


class Moved(NamedTuple):
    """Say where a record goes on that was merged or converted."""

    id: str
    object: str
    into: str


@dataclass(frozen=True)
class Page:
    """Carry one page of changed records.

    rows has one Arrow column per requested field, named as requested: text, option, reference, date -> string (a date
    stays `YYYY-MM-DD`); number -> float64; boolean -> bool; datetime -> timestamp("us", "UTC"); `associations.X`
    (HubSpot) -> list<string> of record ids; a dotted parent path (`Campaign.Name`) -> string. Unknown is null.
    deleted are ids that no longer exist (also losers of a merge). moved are ids whose record goes on elsewhere: the
    loser of a merge as the survivor, a converted lead as the contact. cursor covers this page and all before it.
    """

    rows: "pa.Table"
    deleted: tuple[str, ...] = ()
    cursor: str = ""
    moved: tuple[Moved, ...] = ()


@dataclass(frozen=True)
class Marker:
    """Name the mark by which a record without a unique field is found: its text, the field that holds it, and the
    record that it hangs on, with the field (Salesforce) or object (HubSpot) that links the two."""

    text: str
    field: str
    link: str
    record_id: str


@dataclass(frozen=True)
class Write:
    """Ask for one record to hold `fields`.

    With `id`: update that record. With `key` (field, value): create the record, unless one with that unique value
    exists; an existing one is left as it is (a person may have edited or closed it) and acknowledged with its id.
    links are (object, id) pairs the new record belongs to, where the vendor keeps links apart from fields. With
    `marker`, nothing but a look before it is sent keeps it from being made twice (`Crm.create`). again: an earlier
    attempt may have made the record, and a person may have deleted it since: then that is acknowledged, too.
    """

    object: str
    fields: Mapping[str, JsonScalar]
    id: str | None = None
    key: tuple[str, str] | None = None
    links: tuple[tuple[str, str], ...] = ()
    marker: Marker | None = None
    again: bool = False


@dataclass(frozen=True)
class WriteResult:
    """Answer one Write: `id` when it took effect, else `code` and `message` of the refusal.

    retry is true where the same write may pass later (lock, lost answer); a rejected row is a value, no exception.
    fields are those that a refusal is about, as far as it says; of a write that took effect, those that the CRM would
    not take and that were left out, `message` then saying why.
    """

    id: str | None = None
    created: bool = False
    code: str | None = None
    message: str | None = None
    retry: bool = False
    fields: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether the write took effect."""
        return self.code is None


def unsent(outage: LeadlightError) -> WriteResult:
    """Answer a write that an outage kept from being sent, or left without an answer: it may be tried again."""
    return WriteResult(code=type(outage).__name__, message=outage.message, retry=True)


@dataclass(frozen=True)
class Found:
    """Show a record that was looked up, with its fields as the CRM sent them; a deleted one is in the recycle bin."""

    id: str
    deleted: bool
    fields: Mapping[str, JsonScalar]


@dataclass
class CallCounter:
    """Count requests as they are sent; the only mutable state that adapters share with the pipeline.

    ends_at_s is when the run has to be over, by time.monotonic; null where nobody set it.
    """

    read: int = 0
    write: int = 0
    server_time_at: datetime | None = field(default=None)
    ends_at_s: float | None = None

    def time_for(self, most_s: float) -> float:
        """Give the seconds that the next request may take; raises OutOfTime where the run has none left."""
        left_s = most_s if self.ends_at_s is None else self.ends_at_s - time.monotonic()
        if left_s <= 0:
            raise OutOfTime("the run took as long as it may ([limits] run_timeout); the next run goes on from here")
        return min(most_s, left_s)


class Crm(Protocol):
    """Read and write one CRM.

    Errors raised by every member: AuthError, RetryableError (after our own retries), QuotaExhausted, ConfigError.
    """

    capabilities: Capabilities
    calls: CallCounter
    refused: dict[str, str]  # objects we may not see, and the right that is missing, as far as the vendor told

    def check(self) -> Connection:
        """Prove that the credentials work and learn the server's time."""

    def owners(self) -> Sequence[Owner]:
        """List users and queues that may own records, inactive ones included."""

    def describe(self, object: str) -> ObjectInfo | None:  # noqa: A002 - the vendors' own word
        """Describe one object, null where the user cannot see it; fields without read access are absent."""

    def describe_many(self, objects: Sequence[str]) -> Mapping[str, ObjectInfo | None]:
        """Describe objects as `describe` does, in as few calls as the vendor allows."""

    def changes(self, object: str, fields: Sequence[str], cursor: str | None) -> Iterator[Page]:  # noqa: A002
        """Read what changed since the cursor, everything where it is null; at least one page, rows may repeat."""

    def read(self, object: str, fields: Sequence[str], ids: Sequence[str]) -> "pa.Table":  # noqa: A002 - as above
        """Read records by id as they are now, rows as in Page and in no order; those that are gone are absent."""

    def look(self, object: str, fields: Sequence[str], ids: Sequence[str]) -> Page:  # noqa: A002 - as above
        """Read records by id as they are now, with what they are linked to; deleted are those that went for good.

        One that goes on as another is in neither; the page has no cursor.
        """

    def links(self, object: str, to: str, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:  # noqa: A002 - as above
        """Read which records of another object each record is linked to, where links are no fields of a record."""

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Send writes of one object in as few requests as the vendor allows; results in input order."""

    def create(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Create records that have no unique field, each sent once; an answer that was lost is a retry, or raised."""

    def find_marked(self, object: str, markers: Sequence[Marker]) -> dict[str, str]:  # noqa: A002
        """Look for the marks of records that hang on others; returns ids by mark, those found alone."""

    def find(
        self,
        object: str,  # noqa: A002
        field: str,
        values: Sequence[str],
        fields: Sequence[str],
        *,
        deleted_only: bool = False,
    ) -> dict[str, Found]:
        """Look records up by a unique field, deleted ones included; a value without a record is absent."""

    def provision(self, fields: Sequence[NewField]) -> tuple[list[str], list[str]]:
        """Create missing fields with access for our user; returns (created, existing) as Object.field."""
