"""Which features are tried: the fields of people and accounts, and what their events add up to."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

from connector.training.facts import Facts
from connector.training.learnable import is_learnable
from scoring.conditions import Condition
from scoring.predict.artefact import Feature
from scoring.predict.leaks import Suspect
from scoring.schema import ColumnType

MOST_TYPES: Final = 15
LEAST_EVENTS: Final = 20
DAYS: Final = 30
_LONG_DAYS: Final = 90
# email_sent: we did it, not they.
_OUR_OWN: Final = frozenset({"email_sent"})
# What conversion itself changes in a CRM: the value of today tells how it ended.
_NEEDS_HISTORY: Final = frozenset({"kind", "opted_out", "buying_role", "account.type"})
_OUR_COLUMNS: Final = ("subject_id", "as_of_s", "converted", "rule_points")
_OF_ACCOUNT: Final = frozenset({"industry", "employees", "revenue"})
_WHY_NOT: Final = "becoming a customer changes it, and its history is not known"


@dataclass(frozen=True)
class Candidates:
    """The features to try, the fields that are read as they are now, and what is not tried and why.

    doubtful are features of the refused fields: to say what they would have made of it, never to learn from.
    """

    features: tuple[Feature, ...]
    no_history: tuple[str, ...]
    refused: tuple[Suspect, ...]
    doubtful: tuple[Feature, ...] = ()

    @property
    def behaviours(self) -> tuple[str, ...]:
        """Name the features of events and of time, which are as of the snapshot by how they are worked out."""
        return tuple(feature.id for feature in self.features if feature.kind != "attribute")

    @property
    def fields(self) -> dict[str, str]:
        """Give the field that each attribute reads, of the doubtful ones too."""
        every = (*self.features, *self.doubtful)
        return {feature.id: feature.field for feature in every if feature.field is not None}

    @property
    def doubts(self) -> dict[str, str]:
        """Say of each doubtful feature why its field is not tried."""
        said = {one.name: one.why for one in self.refused}
        return {feature.id: said[feature.field or ""] for feature in self.doubtful}


def candidates(
    engine: duckdb.DuckDBPyConnection, facts: Facts, known: Collection[str] = (), allowed: Collection[str] = ()
) -> Candidates:
    """List what may be learned from; known are fields with a history, allowed those that a person vouches for."""
    fields = dict(_fields(facts))
    refused = [name for name in fields if name in _NEEDS_HISTORY and name not in known and name not in allowed]
    behaviours = tuple(_behaviours(engine, facts))
    taken = {*_OUR_COLUMNS, *(one.id for one in behaviours)}
    attributes = tuple(_told_apart([_attribute(name, kind) for name, kind in fields.items()], taken))
    return Candidates(
        features=(*(one for one in attributes if one.field not in refused), *behaviours),
        no_history=tuple(name for name in fields if name not in known and name not in refused),
        refused=tuple(Suspect(name, "ask", _WHY_NOT) for name in refused),
        doubtful=tuple(one for one in attributes if one.field in refused),
    )


def _fields(facts: Facts) -> Iterator[tuple[str, ColumnType]]:
    """Walk the usable fields; what an account and a lead's own company both tell is asked of the account first."""
    people, accounts = facts.columns["people"], facts.columns["accounts"]
    usable = ("number", "text", "boolean")
    for name, kind in people.items():
        if kind in usable and is_learnable(name):
            yield (f"account.{name}" if name in _OF_ACCOUNT and accounts.get(name, kind) == kind else name), kind
    for name, kind in accounts.items():
        clash = name in _OF_ACCOUNT and name in people
        if kind in usable and is_learnable(name) and not clash and people.get(name, kind) == kind:
            yield f"account.{name}", kind


def _attribute(name: str, kind: ColumnType) -> Feature:
    words = name.removeprefix("account.").replace("_", " ")
    return Feature(
        id=identifier(name),
        label=f"company's {words}" if name.startswith("account.") else words,
        kind="attribute",
        role="numeric" if kind == "number" else "categorical",
        field=name,
    )


def _told_apart(features: Iterable[Feature], taken: Collection[str]) -> Iterator[Feature]:
    """Give ids that are nobody else's, whatever their case."""
    seen = {name.lower() for name in taken}
    for feature in features:
        name, n = feature.id, 1
        while name.lower() in seen:
            n += 1
            name = f"{feature.id}_{n}"
        seen.add(name.lower())
        yield feature if name == feature.id else feature.model_copy(update={"id": name})


def identifier(name: str) -> str:
    """Make an id of a name: letters, digits, _ . and - stay, the rest becomes _."""
    found = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-")
    return found if found and found[0].isalnum() else f"field_{found}"


def _behaviours(engine: duckdb.DuckDBPyConnection, facts: Facts) -> Iterator[Feature]:
    """Walk what is worked out from events and time, each with words for a rep."""
    yield Feature(id="tenure_days", label="days since it was created", kind="tenure_days")
    counts = _types(engine, facts)
    if not counts:
        return
    types = tuple(counts)
    yield Feature(id="activity_decayed", label="recent activity", kind="decayed", event=types)
    yield Feature(
        id=f"active_days_{DAYS}d",
        label=f"active days in {DAYS} days",
        kind="active_days",
        event=types,
        within_days=DAYS,
    )
    yield Feature(id="quiet_days", label="days since any activity", kind="recency_days", event=types)
    yield Feature(id="events_ever", label="activities ever", kind="count", event=types)
    yield Feature(
        id=f"events_{_LONG_DAYS}d",
        label=f"activities in {_LONG_DAYS} days",
        kind="count",
        event=types,
        within_days=_LONG_DAYS,
    )
    if len(types) > 1:
        for name in types:
            yield from _of_type(name)
    if "page_view" in counts and _pricing_views(engine, facts) >= LEAST_EVENTS:
        yield Feature(
            id=f"pricing_page_{DAYS}d",
            label=f"visits of the pricing page in {DAYS} days",
            kind="count",
            event=("page_view",),
            where=Condition(field="url", contains="pricing"),
            within_days=DAYS,
        )


def _of_type(name: str) -> Iterator[Feature]:
    words, key = name.replace("_", " "), identifier(name)
    yield Feature(id=f"{key}_{DAYS}d", label=f"{words} in {DAYS} days", kind="count", event=(name,), within_days=DAYS)
    yield Feature(id=f"{key}_recency_days", label=f"days since {words}", kind="recency_days", event=(name,))


def _types(engine: duckdb.DuckDBPyConnection, facts: Facts) -> Mapping[str, int]:
    """Count the events of the types that are frequent enough to learn from, the most frequent first."""
    if "events" not in facts.there or "person_id" not in facts.columns["events"]:
        return {}
    rows = engine.execute(
        "SELECT type, count(*) AS n FROM events WHERE person_id IS NOT NULL GROUP BY type ORDER BY n DESC, type"
    ).fetchall()
    frequent = [(str(name), int(n)) for name, n in rows if n >= LEAST_EVENTS and name not in _OUR_OWN]
    return dict(frequent[:MOST_TYPES])


def _pricing_views(engine: duckdb.DuckDBPyConnection, facts: Facts) -> int:
    if "url" not in facts.columns["events"]:
        return 0
    found = engine.execute("SELECT count(*) FROM events WHERE type = 'page_view' AND url ILIKE '%pricing%'").fetchall()
    return int(found[0][0])
