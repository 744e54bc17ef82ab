"""What the file of a feed may say, as a frozen specification; reads no file.

Terminology: a *feed* brings rows from outside the CRM, a *row* is a line of a file or an element of an answer, a *key*
says whom in the CRM a row is about.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from mappings.model import ColumnName
from mappings.spec import Condition, ConstantForm, Names, Source, SourceForm, SourcesForm, Spec

_PROP: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_DIRECTIVE: Final = re.compile(r"%[-#]?[a-zA-Z%]")


def _prop_name(name: str) -> str:
    if not _PROP.match(name):
        raise ValueError(f"property {name!r} must be lower-case letters, digits and underscores")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone such as UTC or Europe/Berlin") from None
    return name


def _format(name: str) -> str:
    if name not in ("iso", "epoch_s", "epoch_ms") and not _DIRECTIVE.search(name):
        raise ValueError(f"{name!r} is no format: iso, epoch_s, epoch_ms, or a pattern such as %m/%d/%Y")
    return name


def _time(value: object) -> object:
    """Read a bare column name, or a list of them, as a clock."""
    return {"from": value} if isinstance(value, str | list | tuple) else value


class KeyColumns(Spec):
    """Say whom a row is about; ids go before the e-mail address, that before the domain.

    A person is found by id or by the address, an account by id, by the domain, or as that of the person.
    """

    person_id: SourcesForm = ()
    email: SourcesForm = ()
    account_id: SourcesForm = ()
    domain: SourcesForm = ()

    @model_validator(mode="after")
    def _some_key(self) -> "KeyColumns":
        if not self.columns():
            raise ValueError("a key names at least one of person_id, email, account_id, domain")
        return self

    def columns(self) -> dict[str, tuple[Source, ...]]:
        """Give the sources of each key that is named."""
        names = ("person_id", "email", "account_id", "domain")
        return {name: sources for name in names if (sources := getattr(self, name))}


class Clock(Spec):
    """Say when a row happened or was observed: the first column that is set, read by the first format that fits.

    Without a column it is the time of the file. A time without a zone is one of `zone`.
    """

    from_: Names = Field(alias="from")
    format: Annotated[
        tuple[Annotated[str, AfterValidator(_format)], ...],
        BeforeValidator(lambda value: value if isinstance(value, list | tuple) else [value]),
    ] = ("iso",)
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"


class FeedEvent(Spec):
    """Name the type of the event that a matching row is, and where its other columns come from."""

    type: ConstantForm
    when: Condition | None = None
    url: SourceForm | None = None
    asset: SourceForm | None = None
    source: SourceForm | None = None
    value: SourceForm | None = None
    props: dict[Annotated[str, AfterValidator(_prop_name)], SourceForm] = Field(default_factory=dict)

    def columns(self) -> dict[str, Source]:
        """Give the event columns this entry fills besides props, `type` included."""
        names = ("type", "url", "asset", "source", "value")
        return {name: source for name in names if (source := getattr(self, name)) is not None}


class Share(Spec):
    """Count over a whole file what part of what is watched meets a condition, per key and time, as a column.

    of: the column whose distinct values are counted. per: the columns that make one count. total: how many are
    watched; without it, as many as the file names.
    """

    name: Annotated[str, AfterValidator(_prop_name)]
    of: str
    per: Names
    when: Condition
    total: int | None = Field(default=None, ge=1)


class Feed(Spec):
    """Say how the rows of one feed become events and observed attributes.

    id: the columns that tell a row from all others; without them, all that is read of it. where keeps rows. A row is
    the first event that it matches, and gives every attribute of its person and of its account that is known.
    optional: columns that a file may lack. preamble: a CSV file may begin with lines about the report; its table then
    begins at the last of the first lines that names all columns.
    """

    vendor: str = Field(min_length=1)
    key: KeyColumns
    id: tuple[str, ...] = ()
    time: Annotated[Clock | None, BeforeValidator(_time)] = None
    where: Condition | None = None
    share: tuple[Share, ...] = ()
    event: tuple[FeedEvent, ...] = ()
    person: dict[ColumnName, SourceForm] = Field(default_factory=dict)
    account: dict[ColumnName, SourceForm] = Field(default_factory=dict)
    optional: tuple[str, ...] = ()
    preamble: bool = False

    @model_validator(mode="after")
    def _coherent(self) -> "Feed":
        problems = []
        if not (self.event or self.person or self.account):
            problems.append("a feed gives something: `event`, `person` or `account`")
        keys = self.key.columns()
        if self.person and not {"person_id", "email"} & keys.keys():
            problems.append("attributes of a `person` need key.email or key.person_id")
        if self.account and not {"account_id", "domain", "person_id", "email"} & keys.keys():
            problems.append("attributes of an `account` need a key")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def columns(self) -> tuple[str, ...]:
        """Name every column of the file that is read, each once; those of a share are made and not read."""
        made = {share.name for share in self.share}
        names = [*self.id, *(self.time.from_ if self.time else ()), *_asked(self.where)]
        for share in self.share:
            names += [share.of, *share.per, *_asked(share.when)]
        for entry in self.event:
            names += _asked(entry.when)
        for source in self.sources():
            names += [*source.from_, *_asked(source.when)]
        return tuple(name for name in dict.fromkeys(names) if name not in made)

    def sources(self) -> Iterator[Source]:
        """Walk every source."""
        for sources in self.key.columns().values():
            yield from sources
        for entry in self.event:
            yield from (*entry.columns().values(), *entry.props.values())
        yield from (*self.person.values(), *self.account.values())

    def needed(self) -> tuple[tuple[str, ...], ...]:
        """Name the columns without which a file cannot be read; of each group one is enough.

        Some key must be there; all else may be absent where it is `optional`.
        """
        free = {*self.optional, *(name for source in self.sources() if source.optional for name in source.from_)}
        free |= {leaf.field for c in self._conditions() for leaf in c.leaves() if leaf.optional and leaf.field}
        groups: list[tuple[str, ...]] = [(name,) for name in self.id]
        groups += [self.time.from_] if self.time else []
        groups += [source.from_ for entry in self.event for source in entry.columns().values()]
        groups += [(leaf.field,) for c in self._conditions() for leaf in c.leaves() if leaf.field]
        made = {share.name for share in self.share}
        keys = tuple(n for sources in self.key.columns().values() for source in sources for n in source.from_)
        asked = [group for group in groups if group and not {*group} <= (free | made)]
        return tuple(dict.fromkeys([*((keys,) if keys else ()), *asked]))

    def _conditions(self) -> Iterator[Condition]:
        yield from (c for c in (self.where, *(share.when for share in self.share)) if c is not None)
        yield from (entry.when for entry in self.event if entry.when is not None)


def _asked(condition: Condition | None) -> list[str]:
    return [] if condition is None else [leaf.field for leaf in condition.leaves() if leaf.field is not None]


FeedRole = Literal["person", "account"]

__all__ = ["Clock", "Feed", "FeedEvent", "FeedRole", "KeyColumns", "Share"]
