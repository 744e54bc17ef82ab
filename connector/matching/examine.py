"""How one person is judged, for people to read: which accounts were in question, and why each was taken or not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from connector.errors import ConfigError
from connector.matching import inputs
from connector.matching.decide import Decision, decide
from connector.matching.find import Finder
from connector.matching.sides import Person, keys_of, person_of
from connector.matching.stage import known_keys
from connector.matching.weigh import Candidate, objection, weigh
from connector.settings.matching import MatchingSettings
from connector.store.lake import Lake
from mappings.lists import Lists
from mappings.normal.domains import domain, email_class


@dataclass(frozen=True)
class Examined:
    """Show how one person was judged: what was chosen, what else spoke for an account, and why it was not enough.

    mailbox says what kind of mailbox the address is, where it tells no company.
    """

    person: Person
    mailbox: str | None
    decision: Decision | None
    candidates: tuple[Candidate, ...]
    refused: tuple[tuple[str, str, str], ...]  # id, name, why not

    def as_dict(self) -> dict[str, Any]:
        """Give it as the command line's JSON has it."""
        return {
            "person_id": self.person.id,
            "mailbox": self.mailbox,
            "match": self.decision.row() if self.decision else None,
            "candidates": [
                {
                    "account_id": one.account.id,
                    "name": one.account.label,
                    "method": one.method,
                    "confidence_share": round(one.confidence_share, 4),
                    "evidence": one.evidence,
                }
                for one in self.candidates
            ],
            "refused": [{"account_id": key, "name": name, "why": why} for key, name, why in self.refused],
        }


def examine(
    engine: duckdb.DuckDBPyConnection, lake: Lake, settings: MatchingSettings, lists: Lists, record: str
) -> Examined:
    """Judge one person anew and show all of it; raises ConfigError where there is nothing to judge."""
    if lake.relation("people") is None or lake.relation("accounts") is None:
        raise ConfigError("match: the store holds no people and accounts yet; run `leadlight sync` first")
    row = _open_row(engine, lake, record)
    person = person_of(row, lists)
    finder, keys = Finder(engine, settings, lists), keys_of(person)
    holders = inputs.accounts_by_key(engine, keys)
    finder.load(holders.values())
    decision = decide(person, finder.candidates(person, keys, holders), settings)
    pairs = [(account, weigh(person, account, settings)) for account in finder.accounts.values()]
    found = sorted((one for _, one in pairs if one), key=lambda one: (-one.confidence_share, one.account.id))
    refused = [(a.id, a.label, objection(person, a, settings)) for a, one in pairs if one is None]
    told = tuple(sorted((key, name, why) for key, name, why in refused if why))
    return Examined(person, _mailbox(row["email"], lists), decision, tuple(found), told)


def _open_row(engine: duckdb.DuckDBPyConnection, lake: Lake, record: str) -> dict[str, Any]:
    """Read a person as matching does; raises ConfigError for who needs no match, or gives nothing to match by."""
    known_keys(engine, lake)
    if found := inputs.person_row(engine, record):
        return found
    columns = "account_id" if "account_id" in lake.columns("people") else "NULL"
    rows = engine.execute(
        f"SELECT {columns} FROM {lake.relation('people')} WHERE person_id = ?",  # noqa: S608 - as above
        [record],
    ).fetchall()
    if not rows:
        raise ConfigError(f"match explain: the store holds no person {record}; give the id of a lead or contact")
    if rows[0][0]:
        raise ConfigError(f"match explain: the CRM itself links {record} to the account {rows[0][0]}; that counts")
    raise ConfigError(f"match explain: {record} has neither e-mail address, web site nor company, or was converted")


def _mailbox(address: str | None, lists: Lists) -> str | None:
    kind = email_class(address, lists) if address else None
    return f"{domain(address or '')}: {kind}" if kind in ("free", "disposable", "student") else None


def lines_of(told: Examined) -> Sequence[str]:
    """Tell an examination to people."""
    decision, chosen = told.decision, told.decision.chosen if told.decision else None
    if chosen is not None and decision is not None:
        head = f"{chosen.account.label} ({chosen.account.id}), {chosen.confidence_share:.0%} sure: {decision.evidence}"
    else:
        head = f"no account: {decision.evidence if decision else 'nothing speaks for one'}"
    return [
        f"{told.person.id}: {head}",
        *([f"  the mailbox tells no company: {told.mailbox}"] if told.mailbox else []),
        *(
            f"  {'=' if chosen and one.account.id == chosen.account.id else '-'} {one.account.label} "
            f"({one.account.id}), {one.confidence_share:.0%} sure: {one.evidence}"
            for one in told.candidates
        ),
        *(f"  x {name} ({key}): {why}" for key, name, why in told.refused),
    ]
