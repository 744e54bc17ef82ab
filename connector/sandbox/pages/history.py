"""What happened to a record: its last activities, and its last changes from the sandbox's journal."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from connector.sandbox.pages.view import Activity, Change
from connector.sandbox.pages.words import BY, moment, number
from connector.sandbox.storage import Storage

CHANGES_MAX = 8
FIELDS_MAX = 6
LONG_CHARACTERS = 60
TOLD_ELSEWHERE = (  # what follows from other changes, or is shown elsewhere on the page
    *("_why", "_scored_at", "_model", "_merged_vids", "_contact_vids", "_source_id", "_date", "modifieddate"),
    *("_owner_ids", "_all_owners", "_assigneddate", "_is_enrolled", "_enrolled_count"),
)
Spell = Callable[[str, str], tuple[str, str]]
LINKS = {
    "list_id": "added to list",
    "sequence_id": "enrolled in sequence",
    "to_object": "linked to",
    "type_id": "linked",
}


def latest(found: Iterable[tuple[Any, Any, Any]], most: int) -> tuple[Activity, ...]:
    """Show the latest of activities given as (time, kind, words)."""
    told = [
        Activity(at, str(kind).replace("_", " ").lower(), str(words or "").removeprefix("https://"))
        for raw, kind, words in found
        if (at := moment(raw))
    ]
    return tuple(sorted(told, key=lambda each: each.at, reverse=True)[:most])


def changes_of(storage: Storage, name: str, record_id: str, spell: Spell) -> tuple[Change, ...]:
    """Give a record's last changes, the newest first; spell gives a field and its value in people's words."""
    storage.journal(2**62)  # what is still to be written is written by a look at the journal
    rows = storage.query(
        "SELECT * FROM journal WHERE object = ? AND id = ? AND op <> 'read' ORDER BY n DESC LIMIT ?",
        [name, record_id, CHANGES_MAX],
    )
    found = []
    for row in rows:
        told, at = what(row["op"], json.loads(row["before"]), json.loads(row["after"]), spell), moment(row["at"])
        if told and at:
            found.append(Change(at, BY.get(row["actor"], row["actor"]), told))
    return tuple(found)


def what(op: str, before: dict[str, Any], after: dict[str, Any], spell: Spell) -> tuple[tuple[str, str, str], ...]:
    """Say what a change was, as (field, before, after)."""
    if op == "delete":
        return (("Deleted", "", ""),)
    if op == "associate":
        words = next((text for key, text in LINKS.items() if key in after), "linked")
        if after.get("removed"):
            words = words.replace("added to", "taken off")
        named = ("to_object", "to_id", "list_id", "sequence_id")
        ends = " ".join(spell(key, str(after[key]))[1] for key in named if key in after)
        return ((words.capitalize(), "", ends),)
    fields = [name for name in after if not name.lower().removesuffix("__c").endswith(TOLD_ELSEWHERE)]
    spelled = [(spell(name, text(before.get(name))), spell(name, text(after[name]))) for name in fields]
    shown = [(label, old, new) for (label, old), (_, new) in spelled]
    told = [each for each in shown if each[1] != each[2]] if op == "update" else [each for each in shown if each[2]]
    more = [(f"and {len(told) - FIELDS_MAX} more fields", "", "")] if len(told) > FIELDS_MAX else []
    return (*([("Created", "", "")] if op == "create" else []), *told[:FIELDS_MAX], *more)


def text(value: object) -> str:
    """Write a value of a change, shortened."""
    plain = "" if value is None else number(str(value))
    return plain if len(plain) <= LONG_CHARACTERS else f"{plain[: LONG_CHARACTERS - 1]}…"
