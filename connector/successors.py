"""Who goes on as whom: merged records and converted leads, whose history then counts for the record that lives on.

What was pulled keeps the ids it came with. The table `successors` says which id each goes on as, and the facts are seen
through it: as it is known now, whatever the as_of, since it is the same person all along.
"""

from collections.abc import Sequence
from typing import Final

from connector.store.lake import Lake
from connector.tables import SUCCESSORS
from connector.view import Relations, View

_ROLES: Final = {"person_id": "person", "account_id": "account"}


def resolved(lake: Lake, role: str) -> str | None:
    """Give a relation (old_id, new_id) of where each chain of moves ends; null where nobody moved."""
    relation = lake.relation(SUCCESSORS)
    if relation is None:
        return None
    return f"(SELECT old_id, end_id AS new_id FROM {relation} WHERE role = '{role}' AND end_id IS NOT NULL)"  # noqa: S608 - our own words


def followed(view: View, found: Relations) -> Relations:
    """Give the events and adjustments of records that moved to those that they go on as."""
    seen = dict(found)
    for table, columns in (("events", ("person_id", "account_id")), ("adjustments", ("subject_id",))):
        if table in seen:
            there = [column for column in columns if column in view.lake.columns(table)]
            seen[table] = follow(view.lake, seen[table], there)
    return seen


def follow(lake: Lake, relation: str, columns: Sequence[str]) -> str:
    """Replace the ids in columns of a relation; a subject_id is taken for a person's.

    A filter on a person's id still reaches the files.
    """
    for column in columns:
        relation = _replaced(lake, relation, column, _ROLES.get(column, "person"), "true")
    return relation


def follow_observations(lake: Lake, relation: str) -> str:
    """Replace the subject_ids of a relation whose rows name their role: person or account."""
    for role in _ROLES.values():
        relation = _replaced(lake, relation, "subject_id", role, f"t.role = '{role}'")
    return relation


def _replaced(lake: Lake, relation: str, column: str, role: str, whose: str) -> str:
    """Replace one column: of people in two parts, since their events are looked up by it, of accounts in one pass."""
    ends = resolved(lake, role)
    if ends is None:
        return relation
    same = f"s.old_id = t.{column} AND {whose}"
    if role == "account":
        value = f"COALESCE(s.new_id, t.{column}) AS {column}"
        return f"(SELECT t.* REPLACE ({value}) FROM {relation} AS t LEFT JOIN {ends} AS s ON {same})"  # noqa: S608 - our own words
    stay = f"SELECT t.* FROM {relation} AS t ANTI JOIN {ends} AS s ON {same}"  # noqa: S608 - as above
    go = f"SELECT t.* REPLACE (s.new_id AS {column}) FROM {relation} AS t JOIN {ends} AS s ON {same}"  # noqa: S608 - as above
    return f"({stay} UNION ALL BY NAME {go})"
