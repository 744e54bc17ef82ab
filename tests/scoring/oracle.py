"""An independent reading of the scoring rules in plain Python: one person at a time, no SQL, nothing of the engine.

It reads the same model file. Rows are dicts, times aware datetimes; no key, None, NaN and blank text are unknown.
"""

import tomllib
from datetime import datetime

from tests.scoring.oracle_subject import Subject
from tests.scoring.oracle_values import Row, Table, known, once, second, text


class Oracle:
    """Scores people by one model at one time."""

    def __init__(self, model: str, *, as_of: datetime, lists: dict[str, set[str]] | None = None) -> None:
        self.model: Table = tomllib.loads(model)
        rollup = self.model.get("rollup", {})
        self.model |= {key: rollup[key] for key in ("breadth", "coverage") if key in rollup}
        self.now = second(as_of)
        self.lists = {name: {text(entry) for entry in entries} for name, entries in (lists or {}).items()}

    def score(
        self, people: list[Row], accounts: list[Row], events: list[Row], adjustments: list[Row] | None = None
    ) -> dict[str, Row]:
        """Score everybody who exists and is in the audience."""
        by_account = {account["account_id"]: account for account in accounts}
        unique = once(events)
        results = {}
        for person in people:
            created = known(person.get("created_at"))
            if created is not None and second(created) > self.now:
                continue
            account = by_account.get(known(person.get("account_id")) or "")
            mine = [event for event in unique if event.get("person_id") == person["person_id"]]
            ledger = self.ledger(person["person_id"], adjustments or [])
            subject = self.subject(person, account or {}, mine, ledger)
            if subject.in_audience():
                results[person["person_id"]] = subject.result()
        return results

    def score_accounts(
        self,
        of_people: "Oracle | None",
        people: list[Row],
        accounts: list[Row],
        events: list[Row],
        adjustments: list[Row] | None = None,
    ) -> dict[str, Row]:
        """Score accounts, with the people that another oracle scores; without a roll-up an account has no people."""
        rolled = of_people if "rollup" in self.model else None
        scored = rolled.score(people, accounts, events, adjustments) if rolled else {}
        unique = once(events)
        results = {}
        for account in accounts:
            name = account["account_id"]
            nobodys = [event for event in unique if known(event.get("person_id")) is None]
            mine = [event for event in nobodys if event.get("account_id") == name]
            subject = self.subject(account, account, mine, self.ledger(name, adjustments or []))
            subject.team = [
                (person, scored[person["person_id"]])
                for person in people
                if person.get("account_id") == name
                and person["person_id"] in scored
                and scored[person["person_id"]]["state"] in ("active", "never_active")
            ]
            if subject.in_audience():
                results[name] = subject.result()
        return results

    def subject(self, row: Row, account: Row, events: list[Row], ledger: list[Row]) -> Subject:
        """Make a subject of its events that exist."""
        since = max((second(entry["effective_at"]) for entry in ledger if entry["op"] == "set_to"), default=None)
        mine = [event for event in events if since is None or second(event["occurred_at"]) >= since]
        counted = [event for event in mine if self.counts(event)]
        subject = Subject(self.model, row, account, counted, self.lists, self.now)
        subject.ledger = ledger
        return subject

    def ledger(self, subject_id: str, adjustments: list[Row]) -> list[Row]:
        """Give the adjustments that a subject's engagement still has, the latest set_to and what came with or after."""
        mine = [
            row
            for row in adjustments
            if (row["subject_id"], row["model_id"]) == (subject_id, self.model["model"]["id"])
            and second(row["effective_at"]) <= self.now
        ]
        resets = [row for row in mine if row["op"] == "set_to"]
        if not resets:
            return mine
        latest = max(resets, key=lambda row: (second(row["effective_at"]), row["adjustment_id"]))
        since = second(latest["effective_at"])
        return [latest, *(row for row in mine if row["op"] == "modify" and second(row["effective_at"]) >= since)]

    def counts(self, event: Row) -> bool:
        """Say whether an event exists for scoring."""
        return event.get("is_bot") is not True and second(event["occurred_at"]) <= self.now
