"""The soak's judgement finds what it is there for: a judge that never objects proves nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.judgement import Scene, changed_owners, duplicates, stray_writes, unsettled
from connector.store import outbox
from connector.store.outbox import Entry, Settlement
from connector.store.state import open_state


def scene(journal: Sequence[Mapping[str, Any]], tasks: Sequence[str] = (), store: Path = Path("none")) -> Scene:
    made = [{"id": f"T{at}", "fields": {"Leadlight_Key__c": key}} for at, key in enumerate(tasks)]
    return Scene("salesforce", journal, {"Lead": [], "Contact": [], "Task": made}, store)


def entry(
    actor: str, op: str, name: str, after: dict[str, Any], before: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "n": 1,
        "at": "2026-07-01T12:00:00Z",
        "actor": actor,
        "op": op,
        "object": name,
        "id": "R1",
        "before": before or {},
        "after": after,
    }


def test_two_tasks_of_one_key_are_duplicates() -> None:
    assert duplicates(scene([], ["a-12345678", "b-12345678"])) == []
    assert len(duplicates(scene([], ["a-12345678", "a-12345678"]))) == 1


def test_a_task_that_was_made_twice_is_a_duplicate_though_one_is_left() -> None:
    made = entry("connector", "create", "Task", {"Leadlight_Key__c": "a-12345678"})
    assert len(duplicates(scene([made, made], ["a-12345678"]))) == 1


def test_a_task_deleted_within_the_lag_of_reads_may_be_made_once_more_and_only_then() -> None:
    made = entry("connector", "create", "Task", {"Leadlight_Key__c": "a-12345678"})
    gone = entry("human", "delete", "Task", {})

    def story(seconds: int) -> Scene:
        later = f"2026-07-01T12:00:{10 + seconds:02d}Z"
        return scene(
            [made | {"at": "2026-07-01T12:00:00Z"}, gone | {"at": "2026-07-01T12:00:10Z"}, made | {"at": later}]
        )

    assert duplicates(story(5)) == []
    assert len(duplicates(story(9))) == 1


def test_an_owner_that_a_person_chose_may_not_be_changed_by_us() -> None:
    chosen = entry("human", "update", "Lead", {"OwnerId": "U1"})
    ours = entry("connector", "update", "Lead", {"OwnerId": "U2"})
    assert len(changed_owners(scene([chosen, ours]))) == 1
    assert changed_owners(scene([ours, chosen])) == []


def test_a_field_outside_the_mapping_is_a_stray_write() -> None:
    ours = entry("connector", "update", "Lead", {"Leadlight_Score__c": 1, "OwnerId": "U1"})
    assert stray_writes(scene([ours, entry("connector", "create", "Task", {"Subject": "Call"})])) == []
    assert len(stray_writes(scene([entry("connector", "update", "Lead", {"Title": "CEO"})]))) == 1
    assert len(stray_writes(scene([entry("connector", "delete", "Lead", {})]))) == 1


def test_a_task_that_stands_may_be_sent_again_but_not_changed() -> None:
    again = entry("connector", "update", "Task", {"Subject": "Call"}, {"Subject": "Call"})
    changed = entry("connector", "update", "Task", {"Subject": "Call"}, {"Subject": "Called, no answer"})
    assert stray_writes(scene([again])) == []
    assert len(stray_writes(scene([changed]))) == 1


def test_outbox_rows_that_are_not_settled_are_named(tmp_path: Path) -> None:
    state = open_state(tmp_path)
    outbox.enqueue(state, "r1", [Entry("fields", "Lead", record_id, {"fields": {}}) for record_id in ("a", "b")])
    first, second = outbox.unsettled(state)
    outbox.settle(state, [Settlement(first.id, "done"), Settlement(second.id, "quarantined", "FIELD: too long")])
    state.close()
    assert [problem.partition(" is ")[2] for problem in unsettled(scene([], store=tmp_path))] == [
        "quarantined: FIELD: too long"
    ]
