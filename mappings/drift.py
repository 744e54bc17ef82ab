"""Leave out of a mapping what a CRM no longer has or allows, so that the rest can go on, and say what was left out.

`check_mapping` is for what never fitted; this is for a mapping that did, in an org that has changed since.
"""

from dataclasses import dataclass, replace

from mappings.check import (
    Bands,
    Describes,
    check_mapping,
    create_problems,
    misread_fields,
    owner_problems,
    task_misfits,
    write_problems,
)
from mappings.fields import ObjectInfo
from mappings.model import ASSOCIATIONS, Mapping, ReadTable, TaskTarget
from mappings.prune import prune
from mappings.write import written_fields

NEEDED_PARTS = frozenset({"person"})  # a task that belongs to nobody helps nobody


@dataclass(frozen=True)
class Fitted:
    """Hold what is left of a mapping, and one problem for each thing that was switched off, in the words of a check."""

    mapping: Mapping
    switched_off: tuple[str, ...] = ()


def without_misfits(mapping: Mapping, describes: Describes, bands: Bands) -> Fitted:
    """Switch off what does not fit: sources and tables are not read (their columns are unknown), fields not written.

    A field is switched off on the object that lacks it, and goes on being written on others. What cannot be switched
    off is left for `check_mapping` to tell.
    """
    problems = check_mapping(mapping, describes, new_fields_ok=False, bands=bands)
    if not problems:
        return Fitted(mapping)
    readable = {name: _readable(name, mapping, describes) for name in describes}
    read = {name: _loosened(mapping, name, table, readable) for name, table in mapping.read.items()}
    left = prune(mapping.model_copy(update={"read": read}), readable)
    off = {
        (name, spec.field)
        for name, key, spec in written_fields(mapping)
        if any(write_problems(mapping, name, key, spec, describes.get(name), False, bands))
    }
    if mapping.write.owner is not None:
        off |= {(name, mapping.write.owner.field) for name, _ in owner_problems(mapping, describes)}
    task = _task(mapping.write.task, describes)
    if mapping.write.task is not None and task is None:
        off.add((mapping.write.task.object, ""))
    write = mapping.write.model_copy(update={"task": task}).bound(mapping.write.targets)
    able = not any(create_problems(mapping, describes, new_fields_ok=False))
    kept = {"write": write, "creating": mapping.creating and able}
    return Fitted(left.model_copy(update={**kept, "off": frozenset(off), "dropped": mapping.dropped}), problems)


def _readable(name: str, mapping: Mapping, describes: Describes) -> ObjectInfo | None:
    """Take fields of another type than the mapping reads, and links to objects that are gone, for not there."""
    info = describes.get(name)
    if info is None or name not in mapping.read:
        return info
    misread = misread_fields(mapping.read[name], name, info)
    fields = {known: field for known, field in info.fields.items() if known not in misread} if misread else info.fields
    return replace(info, fields=fields, gone=_links_gone(describes))


def _links_gone(describes: Describes) -> frozenset[str]:
    return frozenset(f"{ASSOCIATIONS}{name}" for name, info in describes.items() if info is None)


def _loosened(mapping: Mapping, name: str, table: ReadTable, describes: Describes) -> ReadTable:
    """Let a table do without what is missing; one that lacks nothing stays as it is, and so does its hash."""
    alone = mapping.model_copy(update={"read": {name: table}, "write": type(mapping.write)(), "creating": False})
    if not check_mapping(alone, describes, new_fields_ok=True):
        return table
    return table.model_copy(update={"optional": True})


def _task(task: TaskTarget | None, describes: Describes) -> TaskTarget | None:
    """Keep the parts of a task that can still be set; null where what is left would be no task of ours."""
    if task is None:
        return None
    info = describes.get(task.object)
    if info is None:
        return None
    parts, constants = task_misfits(task, info)
    parts |= {part for part, spec in task.fields.items() if spec.field in _links_gone(describes)}
    unique = info.fields.get(task.unique_field or "")
    if parts & NEEDED_PARTS or (task.unique_field is not None and (unique is None or not unique.unique)):
        return None
    kept = {part: spec for part, spec in task.fields.items() if part not in parts}
    sent = {field: value for field, value in task.constants.items() if field not in constants}
    return task.model_copy(update={"fields": kept, "constants": sent})


__all__ = ["Fitted", "without_misfits"]
