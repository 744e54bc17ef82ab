"""Domains: the host of an address, the part that somebody registered, and what a mail address tells of its owner."""

import functools
import re
from collections.abc import Mapping
from typing import Final

from mappings.lists import PACKAGED, Lists, load_lists, load_words

_HOST = re.compile(r"[^\s/?#:@,;]+(?:\.[^\s/?#:@,;]+)+")
_STUDENT_LABELS: Final = frozenset({"student", "students", "stud", "alumni", "alumno", "alumnos", "aluno", "alunos"})
_SCHOOLS: Final = re.compile(r"(?:^|\.)(?:edu|ac|edu\.[a-z]{2}|ac\.[a-z]{2})$")


def domain(text: str) -> str | None:
    """Take the host of a web site or mail address, lower-cased, without `www.` and port.

    >>> domain("https://www.Acme.com:443/about"), domain("Ann@Mail.Acme.com")
    ('acme.com', 'mail.acme.com')
    """
    host = text.strip().lower().partition("://")[2] or text.strip().lower()
    host = host.split("/", 1)[0].rpartition("@")[2].removeprefix("www.").rstrip(".")
    found = _HOST.match(host)
    return found.group() if found else None


def registrable(text: str, lists: Lists = PACKAGED) -> str | None:
    """Take the part of a host or address that its owner registered, in ASCII; null where it is anybody's.

    >>> registrable("mail.acme.co.uk"), registrable("ann@müller.de"), registrable("facebook.com/acme")
    ('acme.co.uk', 'xn--mller-kva.de', None)
    """
    host = domain(text)
    labels = _ascii(host).split(".") if host else []
    if len(labels) < 2 or not all(labels) or labels[-1].isdigit():
        return None
    own = _suffix_length(labels, lists) + 1
    return ".".join(labels[-own:]) if len(labels) >= own else None


def company_domain(text: str | None, lists: Lists = PACKAGED) -> str | None:
    """Take the registrable domain that names one company: no mailbox for anybody, no school's students.

    >>> company_domain("ann@gmail.com"), company_domain("ann@crm.acme.com"), company_domain("ann@stud.tum.de")
    (None, 'acme.com', None)
    """
    own = registrable(text, lists) if text else None
    return own if own and email_class(text or "", lists) in ("business", "competitor") else None


def email_class(text: str, lists: Lists = PACKAGED) -> str | None:
    """Tell whose mailbox an address or host is: free, disposable, competitor, student or business.

    The lists free_mail, disposable, competitors and students decide, in this order; a name under a listed domain is
    listed too. Then schools' own endings (edu, ac.uk) are students'. Null without a host.

    >>> email_class("a@gmail.com"), email_class("a@stud.tum.de"), email_class("a@acme.com")
    ('free', 'student', 'business')
    """
    host = domain(text)
    if host is None:
        return None
    known, names = _known(lists), _parents(_ascii(host), host)
    for name, meaning in (("free_mail", "free"), ("disposable", "disposable"), ("competitors", "competitor")):
        if names & known.get(name, frozenset()):
            return meaning
    labels = frozenset(host.split(".")[:-1])
    return "student" if names & known.get("students", frozenset()) or labels & _STUDENT_LABELS else _school(host)


def is_role_address(address: str, lists: Lists = PACKAGED) -> bool:
    """Tell whether an address is an office's mailbox and no person's, by the list role_addresses.

    >>> is_role_address("Info@acme.com"), is_role_address("sales+emea@acme.com"), is_role_address("ann@acme.com")
    (True, True, False)
    """
    box = address.strip().lower().rpartition("@")[0].partition("+")[0]
    return box in _known(lists).get("role_addresses", frozenset())


def _school(host: str) -> str:
    return "student" if _SCHOOLS.search(host) else "business"


def _parents(*hosts: str) -> frozenset[str]:
    """Give a host and every name above it that has a dot."""
    found = set()
    for host in hosts:
        labels = host.split(".")
        found |= {".".join(labels[place:]) for place in range(len(labels) - 1)}
    return frozenset(found)


def _ascii(host: str) -> str:
    """Write a host as the wire has it; what no name server would take stays as it is."""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _suffix_length(labels: list[str], lists: Lists) -> int:
    """Count the labels at the end that nobody owns."""
    hosts, seconds = _suffixes(lists)
    for place in range(len(labels)):
        if ".".join(labels[place:]) in hosts:
            return len(labels) - place
    return 2 if labels[-2] in seconds.get(labels[-1], frozenset()) else 1


@functools.cache
def _suffixes(lists: Lists) -> tuple[frozenset[str], Mapping[str, frozenset[str]]]:
    table = load_words("public_suffixes", lists)
    hosts = frozenset(table["hosts"])
    return hosts, {top: frozenset(words) for top, words in table.items() if top != "hosts"}


@functools.cache
def _known(lists: Lists) -> Mapping[str, frozenset[str]]:
    return load_lists(lists.folder)


__all__ = ["company_domain", "domain", "email_class", "is_role_address", "registrable"]
