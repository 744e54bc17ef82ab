"""Whom feeds found and the CRM does not know: what they tell of each, and why somebody is not created.

One person is one address. Of several feeds the one that stands first in the configuration goes first, attribute by
attribute; of one feed the newest value.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from connector.crm.base import JsonScalar
from connector.prospects.ledger import KEY_PREFIX
from connector.settings.file import Settings
from connector.store.erased import Erased
from connector.store.lake import Lake
from mappings.create import EMAIL, CreateTarget
from mappings.fields import FieldInfo
from mappings.lists import Lists, open_lists
from mappings.normal.domains import email_class, is_role_address
from mappings.write import shorten

WISHES: Final = ("opted_out", "do_not_call")
YES: Final = frozenset({"true", "yes", "y", "1"})
ROWS_AT_ONCE: Final = 10_000


@dataclass(frozen=True)
class Prospect:
    """Tell one person whom a feed found: attributes by name, the address among them.

    problem says why nobody is created of them, null where the mapping has all it needs.
    """

    email: str
    feed: str
    attributes: Mapping[str, str]
    problem: str | None = None


@dataclass(frozen=True)
class Terms:
    """Hold what decides who is created."""

    target: CreateTarget
    feeds: tuple[str, ...]
    lists: Lists
    erased: Erased

    def problem(self, email: str, attributes: Mapping[str, str]) -> str | None:
        """Say why nobody is created of an address and what is known of it; null where somebody may be."""
        kind = email_class(email, self.lists)
        missing = [name for name in self.target.needed if not attributes.get(name)]
        wishes = [name for name in WISHES if attributes.get(name, "").strip().lower() in YES]
        if self.erased.holds(email):
            return "asked to be forgotten"
        if wishes:
            return f"does not want to be asked: {wishes[0]} is true"
        if kind in self.target.skip_email_classes:
            return f"the address is of the class {kind} ([create] skip_email_classes)"
        if self.target.skip_role_addresses and is_role_address(email, self.lists):
            return "the address is an office's and no person's ([create] skip_role_addresses)"
        return f"incomplete: {' and '.join(missing)} missing" if missing else None


def terms_of(settings: Settings, target: CreateTarget | None, erased: Erased) -> Terms | None:
    """Bind a configuration to the mapping's [create]; null where nobody is created."""
    feeds = tuple(feed.id for feed in settings.feed if feed.creates)
    return Terms(target, feeds, open_lists(settings.lists.folder), erased) if target and feeds else None


def prospects(engine: duckdb.DuckDBPyConnection, lake: Lake, terms: Terms) -> Iterator[Prospect]:
    """Walk those whose rows wait and whose address nobody in the CRM has, by address; converted leads have theirs."""
    held, people = lake.relation("held"), lake.relation("people")
    if held is None or not {"email", "role"} <= lake.columns("held").keys():
        return
    known = _known(people) if people and "email" in lake.columns("people") else "SELECT NULL WHERE false"
    ids = "AND person_key IS NULL" if "person_key" in lake.columns("held") else ""
    cursor = engine.execute(
        f"""WITH told AS (
              SELECT email, feed, name, text, list_position(?::VARCHAR[], feed) AS place FROM {held}
              WHERE target = 'attribute' AND role = 'person' AND email IS NOT NULL AND list_contains(?::VARCHAR[], feed)
                AND email NOT IN ({known}) {ids}
              QUALIFY row_number() OVER (PARTITION BY email, name ORDER BY place, occurred_at DESC, text) = 1)
            SELECT email, arg_min(feed, place), map_from_entries(list((name, text))) FROM told
            GROUP BY email ORDER BY email""",  # noqa: S608 - file lists of our own making
        [list(terms.feeds)] * 2,
    )
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        for email, feed, told in rows:
            attributes = {**told, EMAIL: email}
            yield Prospect(email, feed, attributes, terms.problem(email, attributes))


def _known(people: str) -> str:
    return f"SELECT lower(trim(email)) FROM {people} WHERE email IS NOT NULL"  # noqa: S608 - a file list of our own making


def known_addresses(engine: duckdb.DuckDBPyConnection, lake: Lake, emails: Sequence[str]) -> set[str]:
    """Tell which addresses somebody in the CRM has, as far as the store knows."""
    people = lake.relation("people")
    if not emails or people is None or "email" not in lake.columns("people"):
        return set()
    query = f"SELECT * FROM ({_known(people)}) AS known (email) WHERE list_contains(?::VARCHAR[], email)"  # noqa: S608 - as above
    return {str(row[0]) for row in engine.execute(query, [list(emails)]).fetchall()}


def prospect_key(crm: str, email: str) -> str:
    """Derive the unique key of the record that an address is created as: the same on every machine; 36 characters."""
    return KEY_PREFIX + hashlib.sha256("\x1f".join((crm, "create", email.strip().lower())).encode()).hexdigest()[:32]


def fields_of(
    target: CreateTarget, attributes: Mapping[str, str], known: Mapping[str, FieldInfo]
) -> dict[str, JsonScalar]:
    """Give what a new record is sent, by the CRM's field; known are the fields of its object."""
    fields: dict[str, JsonScalar] = dict(target.constants)
    for name, spec in target.fields.items():
        value = attributes.get(name) or spec.default
        if value is not None:
            text = shorten(value, spec.max_length) if isinstance(value, str) else value
            fields[spec.field] = _typed(text, known.get(spec.field))
    return fields


def _typed(value: Any, info: FieldInfo | None) -> JsonScalar:  # noqa: ANN401 - text, or a default of any kind
    """Send a number where the field is one; text that is none is left for the CRM to refuse."""
    if info is not None and info.kind == "boolean" and isinstance(value, str):
        return value.strip().lower() in YES
    if info is None or info.kind != "number" or not isinstance(value, str):
        return value  # type: ignore[no-any-return] # a scalar, as the mapping and the feed give it
    try:
        number = float(value.replace(",", ""))
    except ValueError:
        return value
    return int(number) if number.is_integer() else number
