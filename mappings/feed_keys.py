"""Whom rows of feeds are about: ids, mail addresses and domains, brought to the form in which they are compared."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from mappings.columns import map_distinct
from mappings.feed import KeyColumns
from mappings.normal.domains import email_class, registrable
from mappings.sources import first_set

PERSON_KEYS: Final = ("person_key", "email")
KEYS: Final = (*PERSON_KEYS, "account_key", "domain")
_ADDRESS: Final = r"^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+$"


def keys_of(key: KeyColumns, rows: pa.Table) -> dict[str, pa.Array]:
    """Give the keys of each row, by name; what is no address or no company's domain is unknown."""
    found = {name: first_set(sources, rows, "text") for name, sources in key.columns().items()}
    nothing = pa.nulls(rows.num_rows, pa.string())
    email = pc.utf8_lower(pc.utf8_trim_whitespace(found.get("email", nothing)))
    is_address = pc.fill_null(pc.match_substring_regex(email, _ADDRESS), False)
    return {
        "person_key": pc.utf8_trim_whitespace(found.get("person_id", nothing)),
        "email": pc.if_else(is_address, email, None),
        "account_key": pc.utf8_trim_whitespace(found.get("account_id", nothing)),
        "domain": map_distinct(found.get("domain", nothing), account_domain, pa.string()),
    }


def account_domain(text: str) -> str | None:
    """Take the domain that somebody registered out of a web site, host or address; free mail is nobody's.

    >>> account_domain("https://crm.acme.co.uk/x"), account_domain("ann@gmail.com"), account_domain("mit.edu")
    ('acme.co.uk', None, 'mit.edu')
    """
    return None if email_class(text) in ("free", "disposable") else registrable(text)


__all__ = ["KEYS", "PERSON_KEYS", "account_domain", "keys_of"]
