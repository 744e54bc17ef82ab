"""What was matched, for people to read: who belongs to which account and why, and which accounts were in question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from connector.errors import ConfigError
from connector.matching import inputs
from connector.matching.decide import AMBIGUOUS, Decision, decide
from connector.matching.find import Finder
from connector.matching.linked import MATCHES
from connector.matching.sides import Person, keys_of, person_of
from connector.matching.stage import known_keys
from connector.matching.weigh import Candidate, objection, weigh
from connector.mirror import MIRROR
from connector.settings.matching import MatchingSettings
from connector.store.lake import Lake
from mappings.lists import Lists
from mappings.normal.domains import domain, email_class

_COLUMNS: Final = ("person_id", "person", "account_id", "account", "method", "confidence_share", "evidence", "rivals")


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


def count_matches(engine: duckdb.DuckDBPyConnection, lake: Lake) -> dict[str, int]:
    """Count matches by method, the ambiguous ones as such; most first."""
    matches = lake.relation(MATCHES)
    if matches is None:
        return {}
    select = f"SELECT method, count(*) FROM {matches} GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608 - a file list of our own making
    return dict(engine.execute(select).fetchall())


def list_matches(
    engine: duckdb.DuckDBPyConnection, lake: Lake, *, ambiguous: bool, limit: int | None = None
) -> list[dict[str, Any]]:
    """List matches, the least sure first, or the people for whom several accounts were in question."""
    matches, mirror, accounts = (lake.relation(name) for name in (MATCHES, MIRROR, "accounts"))
    if matches is None or accounts is None:
        return []
    named = f"SELECT record_id, name FROM {mirror} WHERE role = 'person'" if mirror else "SELECT '' AS record_id, ''"  # noqa: S608 - file lists of our own making
    rows = engine.execute(
        f"""SELECT m.person_id, n.name, m.account_id, a.name, m.method, m.confidence_share, m.evidence, m.rivals
            FROM {matches} m LEFT JOIN ({named}) n(record_id, name) ON n.record_id = m.person_id
            LEFT JOIN {accounts} a ON a.account_id = m.account_id
            WHERE (m.method = '{AMBIGUOUS}') = ? ORDER BY m.confidence_share, m.person_id LIMIT ?""",  # noqa: S608 - as above
        [ambiguous, limit],
    ).fetchall()
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]


def match_of(engine: duckdb.DuckDBPyConnection, lake: Lake, person_id: str) -> dict[str, Any] | None:
    """Give the match of one person with the account's name; null for who has none, or an account of the CRM's own."""
    matches, accounts = lake.relation(MATCHES), lake.relation("accounts")
    if matches is None or accounts is None:
        return None
    own = "p.account_id IS NULL" if "account_id" in lake.columns("people") else "true"
    rows = engine.execute(
        f"""SELECT m.account_id, a.name, m.method, m.confidence_share, m.evidence FROM {matches} m
            JOIN {lake.relation("people")} p USING (person_id) JOIN {accounts} a ON a.account_id = m.account_id
            WHERE m.person_id = ? AND {own}""",  # noqa: S608 - as above
        [person_id],
    ).fetchall()
    names = ("account_id", "account", "method", "confidence_share", "evidence")
    return dict(zip(names, rows[0], strict=True)) if rows else None


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
