"""Texts of SOQL, from checked identifiers and quoted values.

Grammar: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql.htm
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.errors import ConfigError

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(frozen=True)
class Position:
    """Name the last row that was read in the order of (stamp, id); stamp is UTC."""

    stamp: datetime
    id: str


def identifier(name: str) -> str:
    """Pass an object or field name, or a dotted path, if it is one; it cannot be quoted, so it must be checked."""
    if not all(IDENTIFIER.fullmatch(part) for part in name.split(".")):
        raise ConfigError(f"{name!r} is not a Salesforce name; use letters, digits and underscores")
    return name


def text_literal(value: str) -> str:
    """Quote a text value."""
    return f"'{value.translate(ESCAPES)}'"


def datetime_literal(value: datetime) -> str:
    """Write an instant; SOQL takes it unquoted, and stamps have whole seconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def select(columns: Iterable[str], source: str, where: str = "", order: Sequence[str] = ()) -> str:
    """Put a query together from checked names and a ready condition."""
    text = f"SELECT {', '.join(identifier(column) for column in columns)} FROM {identifier(source)}"  # noqa: S608
    if where:
        text += f" WHERE {where}"
    if order:
        text += f" ORDER BY {', '.join(order)}"
    return text


def is_one_of(column: str, values: Iterable[str]) -> str:
    """Write a condition over a list of text values."""
    return f"{identifier(column)} IN ({', '.join(text_literal(value) for value in values)})"


def changed_since(stamp: str, since: datetime | None, after: Position | None, *, alive_only: bool) -> str:
    """Write the condition of a pull: from an instant on, or after a row that has been read."""
    conditions = ["IsDeleted = false"] if alive_only else []
    if after is not None:
        at = datetime_literal(after.stamp)
        conditions.append(f"(({stamp} = {at} AND Id > {text_literal(after.id)}) OR {stamp} > {at})")
    elif since is not None:
        conditions.append(f"{stamp} >= {datetime_literal(since)}")
    return " AND ".join(conditions)
