"""What of vendors and attributes does not fit the mapping; nothing that a vendor fills may be written."""

from collections.abc import Iterator

from connector.settings.enrichment import CRM, VendorSettings
from connector.settings.file import Settings
from mappings.model import Mapping
from mappings.targets import Role
from scoring.names import nearest
from scoring.schema import TABLES

_ROLES: dict[str, Role] = {"people": "person", "accounts": "account"}


def enrichment_problems(settings: Settings, mapping: Mapping) -> Iterator[str]:
    """Name columns that the mapping does not read, attributes that nobody fills, and vendors' fields that we write."""
    for vendor in settings.vendor:
        yield from _unread(vendor, mapping)
        yield from _written(vendor, mapping)
    for enrich in settings.enrich:
        known = enrich.attribute in {*TABLES[enrich.of].columns, *_columns(mapping, enrich.of)}
        if CRM in enrich.vendors and not known:
            where = f"enrich.{enrich.attribute}.vendors"
            yield f"{where}: the mapping has no column {enrich.attribute!r} of {enrich.of}; leave crm out, or map it"


def _unread(vendor: VendorSettings, mapping: Mapping) -> Iterator[str]:
    """Name columns of a vendor that no object gives."""
    known = _columns(mapping, "people") | _columns(mapping, "accounts")
    wanted = {f"columns.{name}": column for name, column in (vendor.columns or {}).items()}
    wanted |= {"observed_at": vendor.observed_at} if vendor.observed_at else {}
    for key, column in wanted.items():
        if column not in known:
            advice = "; give the mapping one: [read.X.fields] with extends"
            yield f"vendor.{vendor.id}.{key}: the mapping has no column {column!r}{nearest(column, known) or advice}"


def _written(vendor: VendorSettings, mapping: Mapping) -> Iterator[str]:
    """Name the fields that a vendor fills and that we would write."""
    filled = {*(vendor.columns or {}).values(), *([vendor.observed_at] if vendor.observed_at else [])}
    for name, read in mapping.read.items():
        if vendor.id == CRM or read.table not in _ROLES:
            continue
        written = dict(_targets(mapping, _ROLES[read.table]))
        for column, source in read.columns().items():
            for field in source.from_ if column in filled else ():
                if field in written:
                    yield (
                        f"{written[field]}: {name}.{field} is filled by the vendor {vendor.id} ({column}), so it is "
                        "never written; write to a field of your own"
                    )


def _targets(mapping: Mapping, role: Role) -> Iterator[tuple[str, str]]:
    """Walk the fields that may be written on the records of a role, each with its place in the mapping."""
    for target in mapping.write.targets:
        if target.role == role:
            yield from ((spec.field, f"{target.key}.{name}") for name, spec in target.specs.items())
    if mapping.write.owner is not None:
        yield mapping.write.owner.field, "write.owner"
    if role == "person":
        yield from ((field, key) for key, field in mapping.write.states.items())


def _columns(mapping: Mapping, table: str) -> set[str]:
    return {name for read in mapping.read.values() if read.table == table for name in read.columns()}
