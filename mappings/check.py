"""Hold a mapping against what a CRM says exists, before anything is read or written; changes nothing in the CRM."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as AbcMapping
from typing import Final

from mappings.fields import FieldInfo, ObjectInfo
from mappings.model import ASSOCIATIONS, Mapping, ReadTable, Source, TaskTarget, WriteField
from mappings.prune import STREAM, lookup, prune
from mappings.transforms import TRANSFORMS
from mappings.wanted import fields_to_read
from mappings.write import creatable, written_fields
from scoring.schema import EVENTS, OUTCOMES, TABLES, ColumnType

Describes = AbcMapping[str, ObjectInfo | None]
Bands = AbcMapping[str, Sequence[str]]  # what a model may write as a band, by the key of its fields (write.person)
NO_BANDS: Final[Bands] = {}
_READABLE_AS: Final[AbcMapping[str, frozenset[str]]] = {
    "text": frozenset({"text", "option", "reference", "number", "date"}),
    "map": frozenset({"text"}),
    "list": frozenset({"text", "option", "reference"}),
    "number": frozenset({"number"}),
    "boolean": frozenset({"boolean", "option"}),
    "datetime": frozenset({"datetime", "date"}),
}
_WRITABLE_AS: Final[AbcMapping[str, frozenset[str]]] = {
    "number": frozenset({"number"}),
    "text": frozenset({"text", "option"}),
    "datetime": frozenset({"datetime"}),
}


def objects_to_describe(mapping: Mapping) -> tuple[str, ...]:
    """List the objects whose describes `check_mapping` and `prune` want."""
    task = (mapping.write.task.object,) if mapping.write.task else ()
    create = (mapping.creates.object,) if mapping.creates else ()
    return tuple(dict.fromkeys((*mapping.read, *task, *create)))


def check_mapping(
    mapping: Mapping, describes: Describes, *, new_fields_ok: bool, bands: Bands = NO_BANDS
) -> tuple[str, ...]:
    """List every problem of a mapping in this org; none means that reading and writing it can work.

    describes: by object, null (or absent) where the user cannot see the object. Optional objects and fields that do
    not exist are no problem (`prune` leaves them out), nor is what was switched off. new_fields_ok: fields that
    `provision` can create may be missing.
    """
    there = prune(mapping, describes)
    problems: list[str] = []
    for name, table in there.read.items():
        problems += _read_problems(there, name, table, describes.get(name))
    for name, key, spec in written_fields(there):
        if (name, spec.field) not in there.off:
            problems += write_problems(there, name, key, spec, describes.get(name), new_fields_ok, bands)
    problems += [problem for _, problem in owner_problems(there, describes)]
    problems += _state_problems(there, describes)
    if there.write.task is not None:
        problems += _task_problems(there.write.task, describes.get(there.write.task.object), new_fields_ok)
    problems += create_problems(there, describes, new_fields_ok=new_fields_ok)
    return tuple(dict.fromkeys(problems))


def _absent_object(key: str, name: str) -> str:
    return f"{key}: object {name} does not exist or the connecting user may not see it; grant access or take it out"


def _absent_field(key: str, name: str, field: str, info: ObjectInfo, advice: str) -> str:
    near = difflib.get_close_matches(field.lower(), [known.lower() for known in info.fields], n=1)
    nearest = next((f" (did you mean {known}?)" for known in info.fields if near and known.lower() == near[0]), "")
    return f"{key}: {name} has no field {field} that the connecting user may see{nearest}; {advice}"


def _read_problems(mapping: Mapping, name: str, table: ReadTable, info: ObjectInfo | None) -> Iterator[str]:
    key = f"read.{name}"
    if info is None:
        yield _absent_object(key, name)
        return
    for field in fields_to_read(mapping, name):
        if lookup(info, field) is None:
            yield _absent_field(
                key, name, field, info, "grant read access, correct the name or mark it optional = true"
            )
    if STREAM in name:
        return  # the properties of an event are text on the wire, whatever they mean
    for column, kind, field in _misread(table, info):
        yield f"{key}.{column}: {name}.{field} is a {info.fields[field].kind} field, {column} needs {kind}{_hint(kind)}"


def misread_fields(table: ReadTable, name: str, info: ObjectInfo) -> frozenset[str]:
    """Name the fields of an object that hold another kind of value than the columns read from them."""
    if STREAM in name:
        return frozenset()
    return frozenset(field for _, _, field in _misread(table, info))


def _misread(table: ReadTable, info: ObjectInfo) -> Iterator[tuple[str, ColumnType, str]]:
    for column, kind, source in _typed_sources(table):
        for field in source.from_:
            found = info.fields.get(field)
            if found is not None and not _reads_as(found, source, kind):
                yield column, kind, field


def _typed_sources(table: ReadTable) -> Iterator[tuple[str, ColumnType, Source]]:
    """Walk the sources whose column has a type of its own; custom columns take any."""
    known = TABLES[table.table].columns
    for name, source in table.columns().items():
        if name in known:
            yield name, known[name], source
    timed = (*(entry.occurred_at for entry in table.event), *(entry.occurred_at for entry in table.outcome))
    for source in (*table.occurred_at, *(source for sources in timed for source in sources)):
        yield "occurred_at", "datetime", source
    for event in table.event:
        yield from ((name, EVENTS.columns[name], source) for name, source in event.columns().items())
    for outcome in table.outcome:
        yield from ((name, OUTCOMES.columns[name], source) for name, source in outcome.columns().items())


def _reads_as(found: FieldInfo, source: Source, kind: ColumnType) -> bool:
    if source.transform is not None:
        return TRANSFORMS[source.transform][1] == kind
    return found.kind in _READABLE_AS[kind]


def _hint(kind: ColumnType) -> str:
    return '; transform = "number" reads numbers out of text' if kind == "number" else ""


def write_problems(
    mapping: Mapping, name: str, key: str, spec: WriteField, info: ObjectInfo | None, new_fields_ok: bool, bands: Bands
) -> Iterator[str]:
    """List what keeps one field from being written on one object."""
    if spec.policy == "never" or info is None:  # an object that cannot be seen is told once, where it is read
        return
    found = info.fields.get(spec.field)
    if found is None:
        if not (new_fields_ok and creatable(mapping, spec)):
            advice = "run `leadlight provision`" if creatable(mapping, spec) else "correct the name"
            yield _absent_field(key, name, spec.field, info, advice)
        return
    where = f"{key}: {name}.{spec.field}"
    if not found.updateable:
        yield f'{where} is not writable for the connecting user; grant edit access, or set policy = "never"'
    if found.kind not in _WRITABLE_AS[spec.kind]:
        yield f"{where} is a {found.kind} field, {spec.from_} needs {spec.kind}; map it to another field"
    else:
        yield from _size_problems(where, spec, found)
    if spec.from_ == "band" and found.kind == "option" and found.restricted:
        missing = [band for band in bands.get(key.rpartition(".")[0], ()) if band not in found.options]
        if missing:
            yield f"{where} has no option {', '.join(map(repr, missing))}; add it, or map the band to a text field"


def _size_problems(where: str, spec: WriteField, found: FieldInfo) -> Iterator[str]:
    needed = spec.length
    if needed is not None and found.length is not None and found.kind == "text" and found.length < needed:
        advice = f"lengthen it, or set max_length = {found.length}"
        yield f"{where} holds {found.length} characters, {spec.from_} may need {needed}; {advice}"
    if spec.kind == "number" and found.scale is not None and found.scale < spec.decimals:
        yield f"{where} keeps {found.scale} decimals, round = {spec.decimals} needs more; set round = {found.scale}"


def owner_problems(mapping: Mapping, describes: Describes) -> Iterator[tuple[str, str]]:
    """List the objects whose owner cannot be set, each with the problem."""
    owner = mapping.write.owner
    if owner is None or owner.policy == "never":
        return
    for name in mapping.objects("people"):
        info = describes.get(name)
        if info is None or (name, owner.field) in mapping.off:
            continue
        found = info.fields.get(owner.field)
        if found is None:
            advice = 'correct the name, or set policy = "never"'
            yield name, _absent_field("write.owner", name, owner.field, info, advice)
        elif not found.updateable:
            yield name, f"write.owner: {name}.{owner.field} is not writable for the connecting user; grant edit access"


def _state_problems(mapping: Mapping, describes: Describes) -> Iterator[str]:
    """Name fields of nurture and lifecycle that nobody has (a Salesforce contact has no Status, a lead has)."""
    known = {name: info for name in mapping.objects("people") if (info := describes.get(name)) is not None}
    for key, field in mapping.write.states.items():
        having = [name for name, info in known.items() if field in info.fields]
        if known and not having:
            name, info = next(iter(known.items()))
            yield _absent_field(key, name, field, info, "correct the name")
        for name in having:
            if not known[name].fields[field].updateable:
                yield f"{key}: {name}.{field} is not writable for the connecting user; grant edit access"


_NO_KEY: Final = (
    "run `leadlight provision`; where nobody may create it, key_in_body = true keeps tasks single by a weaker promise"
)


def _task_problems(task: TaskTarget, info: ObjectInfo | None, new_fields_ok: bool) -> Iterator[str]:
    if info is None:
        yield _absent_object("write.task", task.object)
        return
    sent: dict[str, str] = {part: spec.field for part, spec in task.fields.items()}
    yield from _new_record_problems("write.task", task.object, sent, task.constants, info)
    if task.unique_field is None:
        return
    unique = info.fields.get(task.unique_field)
    if unique is None:
        if not new_fields_ok:
            yield _absent_field("write.task.key_field", task.object, task.unique_field, info, _NO_KEY)
    elif not unique.unique:
        yield (
            f"write.task.key_field: {task.object}.{task.key_field} is not unique, so a task could be made twice; "
            "make the field unique, or name another one and run `leadlight provision`"
        )


def task_misfits(task: TaskTarget, info: ObjectInfo) -> tuple[frozenset[str], frozenset[str]]:
    """Name the parts and the constants of a task that cannot be set on a new one."""
    parts = {part for part, spec in task.fields.items() if any(_new_field_problems("", "", spec.field, info))}
    constants = {field for field in task.constants if any(_new_field_problems("", "", field, info))}
    return frozenset(parts), frozenset(constants)


def _new_record_problems(
    key: str, name: str, fields: AbcMapping[str, str], constants: Iterable[str], info: ObjectInfo
) -> Iterator[str]:
    for part, field in fields.items():
        yield from _new_field_problems(f"{key}.fields.{part}", name, field, info)
    for field in constants:
        yield from _new_field_problems(f"{key}.constants", name, field, info)


def _new_field_problems(key: str, name: str, field: str, info: ObjectInfo) -> Iterator[str]:
    if field.startswith(ASSOCIATIONS):
        return
    found = info.fields.get(field)
    if found is None:
        yield _absent_field(key, name, field, info, "correct the name, or take it out")
    elif not found.createable:
        yield f"{key}: {name}.{field} cannot be set by the connecting user on a new record; grant edit access"


def create_problems(mapping: Mapping, describes: Describes, *, new_fields_ok: bool) -> Iterator[str]:
    """List what keeps a feed from creating people."""
    create = mapping.creates
    if create is None:
        return
    info = describes.get(create.object)
    if info is None:
        yield _absent_object("create", create.object)
        return
    sent = {name: spec.field for name, spec in create.fields.items()}
    yield from _new_record_problems("create", create.object, sent, create.constants, info)
    unique = info.fields.get(create.key_field)
    if create.key_is_email:  # the vendor keeps addresses apart, whatever its describe says of the property
        return
    if unique is None:
        if not new_fields_ok:
            where = "create.key_field"
            yield _absent_field(where, create.object, create.key_field, info, "run `leadlight provision`")
    elif not unique.unique:
        yield f"create.key_field: {create.object}.{create.key_field} is not unique, so somebody could be created twice"


__all__ = [
    "Bands",
    "Describes",
    "check_mapping",
    "create_problems",
    "misread_fields",
    "objects_to_describe",
    "owner_problems",
    "prune",
    "task_misfits",
    "write_problems",
]
