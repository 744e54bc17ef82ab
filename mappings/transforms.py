"""Transforms of one CRM value into one canonical value; each is pure and run once per distinct value.

Every transform takes text that is not blank and returns null where it finds nothing.
"""

import functools
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from mappings.lists import Lists
from mappings.normal.amounts import employees_band, revenue_band
from mappings.normal.channels import source_class
from mappings.normal.countries import country
from mappings.normal.domains import company_domain, domain, email_class
from mappings.normal.industries import industry_class
from mappings.normal.titles import department, seniority
from mappings.normal.words import fold

Transformed = str | float | list[str] | None
_ACCOUNT_TYPES: Final = {
    "customer": "customer",
    "partner": "partner",
    "prospect": "prospect",
    "prospective": "prospect",
    "reseller": "partner",
}
_PORTAL = re.compile(r"\Ape\d+_")
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")


def lower(text: str) -> str:
    """Lower the case and trim."""
    return text.strip().lower()


def snake(text: str) -> str | None:
    """Write an option as one word of ours; null where no letter is left.

    >>> snake("Economic Buyer"), snake("C-Level / Sponsor"), snake("-")
    ('economic_buyer', 'c_level_sponsor', None)
    """
    return fold(text).replace(" ", "_") or None


def number(text: str) -> float | None:
    """Read the first number of a text; a range gives its lower end.

    >>> number("1,200"), number("50-100"), number("1000+"), number("n/a")
    (1200.0, 50.0, 1000.0, None)
    """
    found = _NUMBER.search(text)
    return float(found.group().replace(",", "")) if found else None


def listed(text: str) -> list[str]:
    """Split at `;` as multi-select fields do; blank parts are dropped."""
    return [part.strip() for part in text.split(";") if part.strip()]


def account_type(text: str) -> str:
    """Reduce an account's type to customer, prospect or partner, by the first of these words; else lower the case.

    >>> account_type("Customer - Channel"), account_type("Channel Partner / Reseller"), account_type("Press")
    ('customer', 'partner', 'press')
    """
    return next((_ACCOUNT_TYPES[word] for word in fold(text).split() if word in _ACCOUNT_TYPES), lower(text))


def after_colon(text: str) -> str | None:
    """Give what stands behind the first colon; null where nothing does.

    >>> after_colon("rejected: no budget"), after_colon("accepted")
    ('no budget', None)
    """
    return text.partition(":")[2].strip() or None


def event_name(text: str) -> str | None:
    """Take the account's id off the name of a custom event of HubSpot's.

    >>> event_name("pe4242424_drift_conversation"), event_name("e_visited_page")
    ('drift_conversation', 'e_visited_page')
    """
    return _PORTAL.sub("", text.strip().lower()) or None


ResultKind = Literal["text", "number", "list"]
TRANSFORMS: Final[Mapping[str, tuple[Callable[[str], Transformed], ResultKind]]] = MappingProxyType(
    {
        "account_type": (account_type, "text"),
        "company_domain": (company_domain, "text"),
        "country": (country, "text"),
        "department": (department, "text"),
        "domain": (domain, "text"),
        "email_class": (email_class, "text"),
        "employees_band": (employees_band, "text"),
        "event_name": (event_name, "text"),
        "industry_class": (industry_class, "text"),
        "list": (listed, "list"),
        "after_colon": (after_colon, "text"),
        "lower": (lower, "text"),
        "number": (number, "number"),
        "revenue_band": (revenue_band, "text"),
        "seniority": (seniority, "text"),
        "snake": (snake, "text"),
        "source_class": (source_class, "text"),
    }
)
"""What a mapping may name: the transform and the type of what it gives."""
_DOMAINS: Final = ("free_mail", "disposable", "competitors", "students")
READS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "company_domain": (*_DOMAINS, "public_suffixes"),
        "country": ("country",),
        "department": ("department",),
        "email_class": _DOMAINS,
        "industry_class": ("industry", "industry_codes"),
        "seniority": ("seniority",),
        "source_class": ("source",),
    }
)
"""The lists and word tables that a transform reads; what it gives changes with them."""


def bound(name: str, lists: Lists) -> Callable[[str], Transformed]:
    """Give a transform that reads these lists."""
    function: Callable[..., Transformed] = TRANSFORMS[name][0]
    return functools.partial(function, lists=lists) if name in READS else function


__all__ = ["READS", "TRANSFORMS", "bound", "domain", "fold"]
