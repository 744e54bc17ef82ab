"""What a mapping does with each CRM object, so that rights can be held against it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from mappings.fields import ObjectInfo
from mappings.model import ASSOCIATIONS, Mapping, ReadTable, TaskTarget
from mappings.wanted import fields_to_read, sources_of
from mappings.write import written_fields


@dataclass(frozen=True)
class Need:
    """Say what is done with one object: fields that are read, edited, and set on new records.

    may_read are fields that the org may lack; optional: it may lack the object. moves: records get another owner.
    """

    object: str
    reads: frozenset[str] = frozenset()
    may_read: frozenset[str] = frozenset()
    edits: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    optional: bool = False
    moves: bool = False


def needs_of(mapping: Mapping) -> tuple[Need, ...]:
    """List what the mapping does, one entry an object, in the order of the mapping."""
    objects = dict.fromkeys(mapping.read)
    task = mapping.write.task
    if task is not None:
        objects[task.object] = None
    if mapping.creates is not None:
        objects[mapping.creates.object] = None
    return tuple(_need(mapping, name) for name in objects)


def _need(mapping: Mapping, name: str) -> Need:
    read, owner = mapping.read.get(name), mapping.write.owner
    ours = {spec.field for where, _, spec in written_fields(mapping) if where == name and spec.policy != "never"}
    moves = owner is not None and owner.policy != "never" and name in mapping.objects("people")
    edits = ours | ({owner.field} if owner is not None and moves else set())
    return Need(
        object=name,
        reads=_needed(read) if read else frozenset(),
        may_read=frozenset(_plain(fields_to_read(mapping, name))) - _needed(read) if read else frozenset(),
        edits=frozenset(edits),
        sets=_set_on_new(mapping, name),
        optional=bool(read and read.optional),
        moves=moves,
    )


def _needed(read: ReadTable) -> frozenset[str]:
    if read.optional:
        return frozenset()
    asked = [name for source in sources_of(read) if not source.optional for name in source.from_]
    return frozenset(_plain([read.key, *asked]))


def _set_on_new(mapping: Mapping, name: str) -> frozenset[str]:
    task, create = mapping.write.task, mapping.creates
    of_tasks = _set_on_tasks(mapping) if task is not None and task.object == name else ()
    of_people = create.sets if create is not None and create.object == name else frozenset[str]()
    return frozenset(of_tasks) | of_people


def _set_on_tasks(mapping: Mapping) -> Iterator[str]:
    task = mapping.write.task
    if task is not None:
        yield from (task.unique_field,) if task.unique_field else ()
        yield from _plain(spec.field for spec in task.fields.values())
        yield from task.constants


def _plain(names: Iterable[str]) -> Iterator[str]:
    """Leave out what is no field of the object itself: associations, and fields of a parent or an event."""
    return (name for name in names if not name.startswith(ASSOCIATIONS) and "." not in name)


def task_keeping(task: TaskTarget, info: ObjectInfo | None) -> Literal["unique", "marked", "unfit", "missing"]:
    """Tell what keeps a task from being made twice: its key in a unique field, or a mark in its body.

    Without one of these no task is made: missing, the field is not there yet or may not be seen; unfit, it takes a
    value twice.
    """
    if task.unique_field is None:
        return "marked"
    key = info.fields.get(task.unique_field) if info else None
    if key is None:
        return "missing"
    return "unique" if key.unique else "unfit"


__all__ = ["Need", "needs_of", "task_keeping"]
