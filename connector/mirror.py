"""The mirror: what the CRM holds in the fields that we may write, kept apart from what is scored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from mappings.fields import ObjectInfo
from mappings.model import Mapping, ReadTable

MIRROR_KEY = "mirror_id"
ROLES = {"people": "person", "accounts": "account"}  # whose scores belong to a table's records


@dataclass(frozen=True)
class MirrorSpec:
    """Say what to keep of one object: its role decides which scores belong to it."""

    object: str
    role: str  # person | account
    key: str
    modified: str
    owner: str | None
    name: tuple[str, ...]
    fields: tuple[str, ...]

    def wanted(self) -> tuple[str, ...]:
        """List the CRM fields to read for the mirror."""
        owner = (self.owner,) if self.owner else ()
        return tuple(dict.fromkeys((self.key, self.modified, *owner, *self.name, *self.fields)))


def mirror_spec(mapping: Mapping, object: str, info: ObjectInfo) -> MirrorSpec | None:  # noqa: A002 - the vendors' word
    """Say what to mirror of an object; null where nothing is ever written to it. Absent fields are left out."""
    read = mapping.read[object]
    role = ROLES.get(read.table)
    if role is None:
        return None
    owner = mapping.write.owner
    return MirrorSpec(
        object,
        role,
        read.key,
        _present(read, info),
        owner.field if owner and owner.field in info.fields else None,
        tuple(name for name in read.name if name in info.fields),
        tuple(dict.fromkeys(name for name in _written(mapping, role) if name in info.fields)),
    )


def _written(mapping: Mapping, role: str) -> Iterator[str]:
    """Walk the fields that the models of a role write."""
    for target in mapping.write.targets:
        if target.role == role:
            yield from (spec.field for spec in target.specs.values())
    if role == "person":
        yield from mapping.write.states.values()


def mirror_rows(spec: MirrorSpec, rows: pa.Table) -> pa.Table:
    """Take the mirror's columns out of a page: mirror_id, object, role, record_id, name, owner_id, modified_at,
    and one column `=FIELD` per field that may be written.

    A field column is named with a leading `=`, so that no CRM field can clash with our own columns.
    """
    ids = rows[spec.key].cast(pa.string())
    nobody = pa.nulls(rows.num_rows, pa.string())
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        MIRROR_KEY: pc.binary_join_element_wise(spec.object, ids, ":"),
        "object": pa.repeat(pa.scalar(spec.object), rows.num_rows),
        "role": pa.repeat(pa.scalar(spec.role), rows.num_rows),
        "record_id": ids,
        "name": _name(spec, rows),
        "owner_id": rows[spec.owner].cast(pa.string()) if spec.owner else nobody,
        "modified_at": rows[spec.modified].cast(pa.timestamp("us", "UTC")),
    }
    return pa.table(columns | {f"={name}": rows[name] for name in spec.fields})


def mirror_ids(object: str, deleted: Sequence[str]) -> list[str]:  # noqa: A002 - the vendors' own word
    """Name the mirror rows of deleted records."""
    return [f"{object}:{record_id}" for record_id in deleted]


def _name(spec: MirrorSpec, rows: pa.Table) -> pa.Array | pa.ChunkedArray:
    """Join what names a person in the CRM; null where nothing does."""
    if not spec.name:
        return pa.nulls(rows.num_rows, pa.string())
    parts = [pc.fill_null(rows[name].cast(pa.string()), "") for name in spec.name]  # Arrow skips rows of nulls alone
    joined = pc.utf8_trim_whitespace(pc.binary_join_element_wise(*parts, " "))
    return pc.if_else(pc.equal(joined, ""), None, joined)


def _present(read: ReadTable, info: ObjectInfo) -> str:
    """Choose the modified stamp this object really has (HubSpot contacts name it otherwise)."""
    return read.modified if read.modified in info.fields else "lastmodifieddate"
