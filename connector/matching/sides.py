"""The two sides of a match: what is compared of a person and of an account, and the keys under which they meet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mappings.lists import Lists
from mappings.normal.companies import CompanyName, company_name
from mappings.normal.domains import company_domain

PERSON_COLUMNS: Final = ("email", "domain", "company", "phone", "postal_code", "country", "owner_id")
ACCOUNT_COLUMNS: Final = ("name", "domain", "phone", "postal_code", "country", "type", "owner_id")
_PHONE_DIGITS: Final = range(7, 16)
_COMPARED_DIGITS: Final = 9  # country code and the zero before an area code are written or not
_VOWELS: Final = re.compile(r"(?<=.)[aeiouy]")
_TWICE: Final = re.compile(r"(.)\1+")
_SHORTEST: Final = 3


@dataclass(frozen=True, slots=True)
class Person:
    """Compare a person; mail and site are the registrable domains that name a company."""

    id: str
    mail: str | None
    site: str | None
    name: CompanyName | None
    phone: str | None
    postal_code: str | None
    country: str | None
    owner_id: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """Compare an account; people counts those whom the CRM links to it."""

    id: str
    label: str
    site: str | None
    name: CompanyName | None
    phone: str | None
    postal_code: str | None
    country: str | None
    owner_id: str | None
    type: str | None
    people: int
    has_opportunity: bool


def person_of(row: Mapping[str, Any], lists: Lists) -> Person:
    """Read a row of open people."""
    mail, site = company_domain(row["email"], lists), company_domain(row["domain"], lists)
    name = company_name(row["company"])
    return Person(row["person_id"], mail, site, name, *_second(row), row["owner_id"])


def account_of(row: Mapping[str, Any], lists: Lists) -> Account:
    """Read a row of accounts with their standing."""
    return Account(
        row["account_id"],
        row["name"] or row["account_id"],
        company_domain(row["domain"], lists),
        company_name(row["name"]),
        *_second(row),
        row["owner_id"],
        row["type"],
        row["people"],
        row["has_opportunity"],
    )


def keys_of(side: Person | Account) -> list[str]:
    """Give the keys of a side; a person and an account that share none are never compared.

    d: domain, n: name, a: initials or acronym, w: the consonants of a telling word.
    """
    sites = (side.mail, side.site) if isinstance(side, Person) else (side.site,)
    found = [f"d:{site}" for site in sites if site]
    if name := side.name:
        found += [f"n:{spelling}" for spelling in name.spellings]
        found += [f"a:{letters}" for letters in (name.initials, name.acronym) if letters]
        found += [f"w:{skeleton(word)}" for word in name.telling]
    return sorted(set(found))


def skeleton(word: str) -> str:
    """Drop vowels behind the first letter and doubled letters, where most typing errors are; short words stay."""
    left = _TWICE.sub(r"\1", _VOWELS.sub("", word))
    return left if len(left) >= _SHORTEST else word


def _second(row: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    digits = re.sub(r"\D", "", row["phone"] or "")
    phone = digits[-_COMPARED_DIGITS:] if len(digits) in _PHONE_DIGITS else None
    postal_code = re.sub(r"\W", "", row["postal_code"] or "").casefold() or None
    return phone, postal_code, (row["country"] or "").strip().upper() or None
