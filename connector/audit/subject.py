"""What is audited: the facts as models see them, as tables of a session, with the fields that the models read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb

from connector.engine.relations import PHYSICAL, Relation, quoted, relation
from connector.settings.audit import AuditSettings
from connector.settings.enrichment import EnrichSettings
from mappings.lists import PACKAGED, Lists
from scoring.model import Model, model_fields, needed_fields
from scoring.schema import BUILT_IN_FIELDS, ColumnType

NEEDED = {
    "people": (
        *("person_id", "account_id", "email", "phone", "company", "domain", "country", "title", "seniority"),
        *("department", "employees", "revenue", "industry", "source", "created_at"),
    ),
    "accounts": ("account_id", "name", "domain", "country", "employees", "revenue", "industry"),
}
KEYS = {"people": "person_id", "accounts": "account_id"}


@dataclass(frozen=True)
class Audited:
    """Bind what an audit looks at; relations that are null are not there.

    sources are the composed facts and outcomes; everyone are the people with those who were converted; edited is a
    relation (role, record_id, name, modified_at, band) of what the CRM holds; unaged are the same facts with what is
    enriched at any age; words what a transform read, with attributes beside it. bands are those that a record's band
    may be, none where that is not known.
    """

    models: Sequence[Model]
    as_of: datetime
    limits: AuditSettings
    sources: Mapping[str, str]
    everyone: str | None = None
    edited: str | None = None
    unaged: Mapping[str, str] = field(default_factory=dict)
    words: str | None = None
    attributes: str | None = None
    enriches: Sequence[EnrichSettings] = ()
    bands: Sequence[str] = ()
    lists: Lists = PACKAGED

    @property
    def at(self) -> str:
        """Write the instant as SQL."""
        return f"TIMESTAMP '{self.as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"

    def fields(self, of: str) -> list[str]:
        """List the fields that models read, as columns of the tables made by `prepare`, of people or of accounts.

        A person's account.X is the account's, else the person's own; an account's fields are named without `account.`.
        """
        wanted: dict[str, None] = {}
        for model in self.models:
            is_account = model.spec.model.subject == "account"
            if is_account == (of == "accounts"):
                names = sorted(model_fields(model) | needed_fields(model))
                wanted |= dict.fromkeys(name.removeprefix("account.") if is_account else name for name in names)
        return list(wanted)


def prepare(engine: duckdb.DuckDBPyConnection, audited: Audited) -> dict[str, dict[str, ColumnType]]:
    """Make the temporary tables people and accounts and the view events; gives the type of each column by table.

    A field that a table has not is null. People have the fields of their account as `account.X`.
    """
    types = {"accounts": _make(engine, audited, "accounts"), "people": _make(engine, audited, "people")}
    events = relation(engine, "events", audited.sources.get("events"))
    engine.execute(f"CREATE OR REPLACE TEMPORARY VIEW events AS {events.view()}")
    return {**types, "events": dict(events.types)}


def _make(engine: duckdb.DuckDBPyConnection, audited: Audited, of: str) -> dict[str, ColumnType]:
    found = relation(engine, of, audited.sources.get(of))
    accounts = relation(engine, "accounts", audited.sources.get("accounts"))
    types: dict[str, ColumnType] = {}
    selected = []
    for name in dict.fromkeys((*NEEDED[of], *audited.fields(of))):
        types[name], expression = _column(name, found, accounts)
        selected.append(f"{expression} AS {quoted(name)}")
    joined = f"({found.view()}) t"
    if of == "people":
        linked = "a.account_id = t.account_id" if "account_id" in found.types else "false"
        joined += f" LEFT JOIN ({accounts.view()}) a ON {linked}"
    engine.execute(f"CREATE OR REPLACE TEMPORARY TABLE {of} AS SELECT {', '.join(selected)} FROM {joined}")  # noqa: S608 - quoted
    return types


def _column(name: str, found: Relation, accounts: Relation) -> tuple[ColumnType, str]:
    """Give the type of a field and its expression over `t`, the subject, and `a`, a person's account."""
    own = name.removeprefix("account.")
    kind: ColumnType = found.types.get(own) or found.table.columns.get(own) or "text"
    sides = [f"t.{quoted(own)}"] if own in found.types else []
    if own in BUILT_IN_FIELDS:
        address = "t.email" if "email" in found.types else "NULL"
        return "text", f"CASE WHEN {address} LIKE '%@%' THEN LOWER(REGEXP_EXTRACT({address}, '[^@]*$')) END"
    if name != own:
        kind = accounts.types.get(own) or kind
        sides = [*([f"a.{quoted(own)}"] if own in accounts.types else []), *sides]
    known = [_known(side, kind) for side in sides] or [f"NULL::{PHYSICAL[kind]}"]
    return kind, f"COALESCE({', '.join(known)})"


def _known(expression: str, kind: ColumnType) -> str:
    """Write blank text and NaN as null."""
    if kind == "text":
        return f"NULLIF(TRIM(CAST({expression} AS VARCHAR)), '')"
    return f"NULLIF({expression}, 'NaN'::DOUBLE)" if kind == "number" else expression
