"""The accounts of people as everything downstream sees them: the CRM's own link, else the matched one."""

from typing import Final

from connector.store.lake import Lake
from connector.view import Relations, View

MATCHES: Final = "matches"
AMBIGUOUS: Final = "ambiguous"
"""The method of a match that is none: several accounts were in question."""


def with_matches(lake: Lake, people: str) -> str:
    """Wrap a relation of people so that account_id holds the matched account where the CRM gives none."""
    matches = lake.relation(MATCHES)
    if matches is None:
        return people
    own = "account_id" in lake.columns("people")
    columns = "p.* REPLACE (coalesce(p.account_id, m.account_id) AS account_id)" if own else "p.*, m.account_id"
    return (
        f"(SELECT {columns} FROM {people} p "  # noqa: S608 - file lists of our own making
        f"LEFT JOIN (SELECT person_id, account_id FROM {matches}) m USING (person_id))"
    )


def linked_people(lake: Lake) -> str | None:
    """Give the relation of everybody pulled, with the accounts they belong to; null where nobody was pulled."""
    people = lake.relation("people")
    return None if people is None else with_matches(lake, people)


def has_accounts(lake: Lake) -> bool:
    """Tell whether people can belong to accounts here; a CRM of leads alone has none."""
    return lake.relation("accounts") is not None and (
        "account_id" in lake.columns("people") or lake.relation(MATCHES) is not None
    )


def matched(view: View, found: Relations) -> Relations:
    """Give people the accounts that they were matched to."""
    return found if "people" not in found else {**found, "people": with_matches(view.lake, found["people"])}
