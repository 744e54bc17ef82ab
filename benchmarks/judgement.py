"""What must hold after any storm, judged from the sandbox's journal and records, the mapping, and the store's outbox.

Invariants by the names of the design: I1 one task for each episode and none without, I2 nothing lost, I6 a second run
writes nothing, I7 a person's owner stays, I8 only mapped fields are written.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from connector.acting.actions import band_trigger, task_key
from connector.store.lake import Lake
from connector.store.state import open_state
from connector.tables import SCORES
from mappings.loader import load_mapping
from mappings.model import Mapping as CrmMapping

Entry = Mapping[str, Any]
KEPT_BY_VENDOR = ("hs_", "hubspot_owner_assigneddate", "lastmodifieddate")  # HubSpot writes these beside ours
FILLED_BY_VENDOR = {"createdate", "lifecyclestage", "num_notes", "OwnerId", "Status"}  # of a new person
TOP_BAND = "hot"
KEY_TAIL = 8
UNSEEN = timedelta(seconds=6)  # the longest lag of reads that a storm sets, and the second of a stamp
GONE = {"salesforce": "IsDeleted", "hubspot": "archived"}
SCORE_SLACK = 1.0  # a score moves in the CRM only where it differs by one


@dataclass(frozen=True)
class Scene:
    """Hold all that the judgement looks at.

    journal starts after provisioning. records maps each object to its living records, in the CRM's own fields. gone are
    (object, id) of people whom somebody deleted. forgotten are tasks that a person had deleted when an old copy of the
    store came back: nothing of them stands anywhere, and one more of each may be made. creating: a feed creates people.
    """

    crm: str
    journal: Sequence[Entry]
    records: Mapping[str, Sequence[Entry]]
    store: Path
    gone: frozenset[tuple[str, str]] = frozenset()
    forgotten: frozenset[str] = frozenset()
    creating: bool = False

    @property
    def mapping(self) -> CrmMapping:
        """Give the mapping that the connector was given."""
        return load_mapping(self.crm).model_copy(update={"creating": self.creating})

    def ours(self) -> Iterator[Entry]:
        """Give what the connector changed."""
        return (one for one in self.journal if one["actor"] == "connector" and one["op"] != "read")


def duplicates(scene: Scene) -> list[str]:
    """I1: no key stands on two tasks, and none was made twice."""
    task = scene.mapping.write.task
    if task is None:
        return []
    held = Counter(effect(one["fields"].get(task.key_field)) for one in scene.records[task.object])
    made = made_tasks(scene)
    spare: Counter[str | None] = Counter([*scene.forgotten, *deleted_unseen(scene)])
    twice = {key for counts in (held, made - spare) for key, n in counts.items() if key and n > 1}
    return [f"I1 the task {key} is there {held[key]} times and was made {made[key]} times" for key in sorted(twice)]


def deleted_unseen(scene: Scene) -> Iterator[str | None]:
    """Name tasks that a person deleted so shortly before we tried again that no read could show it.

    That is possible only where the first answer was lost, so that nothing of ours knew of the task.
    """
    task = scene.mapping.write.task
    key_of: dict[str, str | None] = {}
    deleted_at: dict[str | None, datetime] = {}
    for one in scene.journal:
        if task is None or one["object"] != task.object:
            continue
        key = effect(one["after"].get(task.key_field)) if one["op"] == "create" else key_of.get(one["id"])
        if one["op"] == "create" and one["actor"] == "connector":
            key_of[one["id"]] = key
            gone_at = deleted_at.get(key)
            if gone_at is not None and datetime.fromisoformat(one["at"]) - gone_at <= UNSEEN:
                yield key
        elif one["actor"] == "human" and (one["op"] == "delete" or one["after"].get(GONE[scene.crm]) in (True, "true")):
            deleted_at[key] = datetime.fromisoformat(one["at"])


def effect(key: str | None) -> str | None:
    """Name what a task's key stands for: a harness that switches the key off changes its last letters every time."""
    return key[:-KEY_TAIL] if key else key


def made_tasks(scene: Scene) -> Counter[str | None]:
    """Count how often the connector made each task, those that were deleted since included."""
    task = scene.mapping.write.task
    return Counter(
        effect(one["after"].get(task.key_field))
        for one in scene.ours()
        if task and one["object"] == task.object and one["op"] == "create"
    )


def groundless(scene: Scene) -> list[str]:
    """I1: no task was made but for an episode of a person: each key is that of the next number of a known record."""
    people = [(name, one["id"]) for name in scene.mapping.objects("people") for one in scene.records[name]]
    made, known = made_tasks(scene), set()
    for name, record_id in (*people, *scene.gone):
        for number in range(1, sum(made.values()) + 1):
            known.add(effect(task_key(scene.crm, name, record_id, band_trigger(TOP_BAND), number)))
    return [f"I1 the task {key} belongs to no episode" for key in sorted(key or "none" for key in made.keys() - known)]


def lost(scene: Scene) -> list[str]:
    """I2: every outbox row is settled and none refused, every episode has its task, every person the newest score."""
    return [*unsettled(scene), *missing_tasks(scene), *stale_scores(scene)]


def unsettled(scene: Scene) -> Iterator[str]:
    """Name outbox rows that are not done and not superseded."""
    with closing(sqlite3.connect(scene.store / "state.db")) as state:
        rows = state.execute(
            "SELECT id, kind, object, record_id, state, reason FROM outbox WHERE state NOT IN ('done', 'superseded')"
        ).fetchall()
    gone = {record_id for _, record_id in scene.gone}
    for row_id, kind, name, record_id, row_state, reason in rows:
        if row_state == "quarantined" and record_id in gone:
            continue
        yield f"I2 outbox row {row_id} ({kind} {name} {record_id}) is {row_state}: {reason}"


def missing_tasks(scene: Scene) -> Iterator[str]:
    """Name episodes whose task is not in the CRM, and hot records without an episode."""
    task = scene.mapping.write.task
    held = {effect(one["fields"].get(task.key_field)) for one in scene.records[task.object]} if task else set()
    with closing(sqlite3.connect(scene.store / "state.db")) as state:
        found = state.execute("SELECT object, record_id, number, task_key FROM episodes").fetchall()
    held |= made_tasks(scene).keys()  # a person may have deleted one
    for name, record_id, number, key in found:
        if effect(key) not in held and (name, record_id) not in scene.gone:
            yield f"I2 episode {number} of {name} {record_id} has no task in the CRM ({key})"
    known = {(name, record_id) for name, record_id, _, _ in found}
    band = scene.mapping.write.person["band"].field
    for name in scene.mapping.objects("people"):
        for one in scene.records[name]:
            if one["fields"].get(band) == TOP_BAND and (name, one["id"]) not in known:
                yield f"I2 {name} {one['id']} is hot in the CRM and had no episode"


def stale_scores(scene: Scene) -> Iterator[str]:
    """Name people whose score in the CRM is not the newest one of the store."""
    with closing(open_state(scene.store)) as state, duckdb.connect() as engine:
        relation = Lake(scene.store, state).relation(SCORES)
        query = f"SELECT subject_id, total FROM {relation}"  # noqa: S608 - a file list of the store's own making
        scored = dict(engine.execute(query).fetchall())
    field = scene.mapping.write.person["score"].field
    for name in scene.mapping.objects("people"):
        for one in scene.records[name]:
            total, held = scored.get(one["id"]), one["fields"].get(field)
            if total is not None and (held is None or abs(float(held) - total) > SCORE_SLACK):
                yield f"I2 {name} {one['id']} holds the score {held}, the store says {total:g}"


def changed_owners(scene: Scene) -> list[str]:
    """I7: an owner that a person chose was never changed by us after that."""
    owner = scene.mapping.write.owner
    chosen: dict[tuple[str, str], str] = {}
    found: list[str] = []
    for one in scene.journal:
        if owner is None or one["op"] != "update" or owner.field not in one["after"]:
            continue
        key, now = (one["object"], one["id"]), one["after"][owner.field]
        if one["actor"] == "human":
            chosen[key] = now
        elif one["actor"] == "connector" and chosen.get(key, now) != now:
            found.append(
                f"I7 {one['object']} {one['id']}: a person chose {chosen[key]}, entry {one['n']} made it {now}"
            )
    return found


def stray_writes(scene: Scene) -> list[str]:
    """I8: the connector changes fields of the mapping on objects of the mapping, makes tasks, and people for feeds."""
    write, creates = scene.mapping.write, scene.mapping.creates
    owner = {write.owner.field} if write.owner else set()
    allowed = {name: {spec.field for spec in write.person.values()} | owner for name in scene.mapping.objects("people")}
    allowed |= {name: {spec.field for spec in write.account.values()} for name in scene.mapping.objects("accounts")}
    found: list[str] = []
    for one in scene.ours():
        if write.task and one["object"] == write.task.object and (one["op"] != "update" or not changed(one)):
            continue
        if creates and (one["object"], one["op"]) == (creates.object, "create") and asked(one) <= creates.sets:
            continue
        stray = [name for name in one["after"] if not name.startswith(KEPT_BY_VENDOR)]
        stray = [name for name in stray if name not in allowed.get(one["object"], set())]
        if one["op"] != "update" or stray:
            found.append(f"I8 entry {one['n']}: {one['op']} {one['object']} {one['id']} wrote {', '.join(stray)}")
    return found


def asked(one: Entry) -> set[str]:
    """Name the fields of a new person that the CRM did not fill by itself."""
    given = {name for name, value in one["after"].items() if value not in (None, "", False)}
    return {name for name in given if not name.startswith(KEPT_BY_VENDOR)} - FILLED_BY_VENDOR


def changed(one: Entry) -> list[str]:
    """Name the fields that an update gave another value; a task sent again after a lost answer gets none."""
    return [name for name, value in one["after"].items() if one["before"].get(name) != value]
