"""Candidates for many people: who shares a key is weighed, and close names only where nothing surer was found."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
from rapidfuzz import fuzz, process

from connector.matching import inputs
from connector.matching.decide import Decision, decide
from connector.matching.sides import Account, Person, account_of, keys_of, person_of
from connector.matching.weigh import Candidate, weigh
from connector.settings.matching import MatchingSettings
from mappings.lists import Lists


@dataclass
class Finder:
    """Match people to the accounts of a session's `account_keys`, each account being read once.

    close keeps the names that were looked for, as many people work for one company.
    """

    engine: duckdb.DuckDBPyConnection
    settings: MatchingSettings
    lists: Lists
    accounts: dict[str, Account] = field(default_factory=dict)
    close: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def decisions(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Person, list[str], Decision | None]]:
        """Give, for each of these people, keys and decision; null where no account came into question."""
        people = [(person := person_of(row, self.lists), keys_of(person)) for row in rows]
        holders = inputs.accounts_by_key(self.engine, {key for _, keys in people for key in keys})
        self.load(holders.values())
        for person, keys in people:
            yield person, keys, decide(person, self.candidates(person, keys, holders), self.settings)

    def candidates(self, person: Person, keys: Sequence[str], holders: Mapping[str, Sequence[str]]) -> list[Candidate]:
        """Weigh the accounts of a person's keys."""
        sure = {found for key in keys if not key.startswith("w:") for found in holders.get(key, ())}
        weighed = self._weighed(person, sure)
        if any(one.method in ("domain", "name") for one in weighed) or "close_name" not in self.settings.methods:
            return weighed
        alike = {found for key in keys if key.startswith("w:") for found in holders.get(key, ())} - sure
        return weighed + self._weighed(person, self._close(person, alike))

    def read(self, rows: Iterable[Mapping[str, Any]]) -> list[Account]:
        """Read rows of accounts, to weigh them later."""
        found = [account_of(row, self.lists) for row in rows]
        self.accounts |= {account.id: account for account in found}
        return found

    def _weighed(self, person: Person, ids: Iterable[str]) -> list[Candidate]:
        found = (weigh(person, self.accounts[account_id], self.settings) for account_id in ids)
        return [candidate for candidate in found if candidate is not None]

    def _close(self, person: Person, ids: set[str]) -> tuple[str, ...]:
        """Choose the accounts whose names are close."""
        words = person.name.words if person.name else ""
        if words not in self.close:
            names = {one: name.words for one in ids if (name := self.accounts[one].name)}
            cutoff = 100 * self.settings.close_name_share
            found = process.extract(words, names, scorer=fuzz.ratio, processor=None, limit=None, score_cutoff=cutoff)
            self.close[words] = tuple(key for _, _, key in found)
        return self.close[words]

    def load(self, holders: Iterable[Sequence[str]]) -> None:
        """Read the accounts of these ids that were not read yet."""
        missing = {found for ids in holders for found in ids} - self.accounts.keys()
        if missing:
            self.read(inputs.account_rows(self.engine, missing))
