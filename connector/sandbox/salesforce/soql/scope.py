"""Resolve the names of one query to SQL columns, joining parents as they are met."""

from collections.abc import Iterator
from dataclasses import dataclass

from connector.sandbox.salesforce.catalog import View
from connector.sandbox.salesforce.errors import CrmError, pointing
from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec
from connector.sandbox.salesforce.soql.tree import Name, Query
from connector.sandbox.storage import quote

STAMPS = {"CreatedDate": "_created_at", "LastModifiedDate": "_modified_at", "SystemModstamp": "_modified_at"}
NAME_FIELDS = (
    "Id",
    "Name",
    "Type",
    "FirstName",
    "LastName",
    "Email",
    "Title",
    "Phone",
    "Username",
    "IsActive",
    "Alias",
)
MAX_DEPTH = 5
ADVICE = "Please reference your WSDL or the describe call for the appropriate names."


@dataclass(frozen=True)
class Record:
    """Stand for a joined record of one object."""

    spec: ObjectSpec
    table: str


@dataclass(frozen=True)
class Polymorph:
    """Stand for a joined record of one of several objects."""

    targets: tuple[Record, ...]

    def id_sql(self) -> str:
        """Give the SQL of the record's id."""
        return coalesced([f"{target.table}._id" for target in self.targets])

    def type_sql(self) -> str:
        """Give the SQL of the record's object name; a group is what its Type says, such as Queue."""
        branches = " ".join(f"WHEN {target.table}._id IS NOT NULL THEN {_type_name(target)}" for target in self.targets)
        return f"CASE {branches} END"


@dataclass(frozen=True)
class Column:
    """Hold a field's SQL; stamp is the bookkeeping column in milliseconds behind a system date."""

    sql: str
    spec: FieldSpec
    stamp: str | None = None


def _type_name(target: Record) -> str:
    return f"{target.table}.Type" if target.spec.name == "Group" else f"'{target.spec.name}'"


def coalesced(parts: list[str]) -> str:
    """Give the SQL of the first part that is set."""
    return parts[0] if len(parts) == 1 else f"COALESCE({', '.join(parts)})"


class Scope:
    """Hold the tables of one query; numbers yields fresh table names."""

    def __init__(self, view: View, query: Query, spec: ObjectSpec, numbers: Iterator[int]) -> None:
        self.view, self.query, self._numbers = view, query, numbers
        self.root = Record(spec, self._fresh())
        self._joins: dict[tuple[str, str], str] = {}

    def from_sql(self) -> str:
        """Give the joined tables; ask after all names are resolved."""
        return f"{quote(self.root.spec.name)} {self.root.table}{self.joins_sql()}"

    def joins_sql(self) -> str:
        """Give the joins alone."""
        return "".join(
            f" LEFT JOIN {quote(target)} {table} ON {table}._id = {reference}"
            for (reference, target), table in self._joins.items()
        )

    def column(self, name: Name) -> Column:
        """Resolve a field; raises CrmError INVALID_FIELD where there is no such column."""
        path = self.local_path(name)
        if len(path) - 1 > MAX_DEPTH:
            message = "Invalid relationship path: only 5 levels of parents are allowed"
            raise pointing(self.query.source, name.position, "MALFORMED_QUERY", message)
        node: Record | Polymorph = self.root
        for part in path[:-1]:
            node = self.parent(node, part, name)
        return self.field(node, path[-1], name)

    def local_path(self, name: Name) -> tuple[str, ...]:
        """Give the path without the query's own alias or object name in front."""
        own = {self.query.object.lower(), (self.query.alias or self.query.object).lower()}
        path = name.path
        return path[1:] if len(path) > 1 and path[0].lower() in own else path

    def parent(self, node: Record | Polymorph, part: str, name: Name) -> Record | Polymorph:
        """Join the parent that a relationship names."""
        field = self.relationship(node, part)
        if field is None or not isinstance(node, Record):
            message = (
                f"Didn't understand relationship '{part}' in field path. If you are attempting to use a custom "
                f"relationship, be sure to append the '__r' after the custom relationship name. {ADVICE}"
            )
            raise pointing(self.query.source, name.position, "INVALID_FIELD", message)
        known = [spec for target in field.to if (spec := self.view.object(target))]
        records = tuple(Record(spec, self._join(node.table, field, spec.name)) for spec in known)
        return records[0] if len(field.to) == 1 else Polymorph(records)

    def relationship(self, node: Record | Polymorph, part: str) -> FieldSpec | None:
        """Give the reference field behind a relationship name, or null."""
        fields = node.spec.fields.values() if isinstance(node, Record) else ()
        wanted = part.lower()
        found = (field for field in fields if field.relationship and field.relationship.lower() == wanted)
        return next((field for field in found if any(self.view.object(target) for target in field.to)), None)

    def field(self, node: Record | Polymorph, part: str, name: Name) -> Column:
        """Read one field of a joined record."""
        if isinstance(node, Polymorph):
            return self._name_field(node, part, name)
        spec = self.view.field(node.spec.name, part)
        if spec is None:
            raise self.no_column(node.spec.name, part, name)
        stamp = f"{node.table}.{STAMPS[spec.name]}" if spec.name in STAMPS else None
        return Column(_expression(spec, node.table), spec, stamp)

    def no_column(self, entity: str, part: str, name: Name) -> CrmError:
        """Refuse a field that is not there or not visible."""
        message = (
            f"No such column '{part}' on entity '{entity}'. If you are attempting to use a custom field, be sure to "
            f"append the '__c' after the custom field name. {ADVICE}"
        )
        return pointing(self.query.source, name.position, "INVALID_FIELD", message)

    def _name_field(self, node: Polymorph, part: str, name: Name) -> Column:
        canonical = next((field for field in NAME_FIELDS if field.lower() == part.lower()), None)
        if canonical is None:
            raise self.no_column("Name", part, name)
        if canonical == "Type":
            return Column(node.type_sql(), FieldSpec("Type", "picklist", 40))
        found = [(target, self.view.field(target.spec.name, canonical)) for target in node.targets]
        columns = [_expression(spec, target.table) for target, spec in found if spec is not None]
        kind = "boolean" if canonical == "IsActive" else "id" if canonical == "Id" else "string"
        return Column(coalesced(columns) if columns else "NULL", FieldSpec(canonical, kind, 255))

    def _join(self, table: str, field: FieldSpec, target: str) -> str:
        return self._joins.setdefault((field.expression(table), target), self._fresh())

    def _fresh(self) -> str:
        return f"t{next(self._numbers)}"


def _expression(spec: FieldSpec, table: str) -> str:
    return "NULL" if spec.type == "address" else spec.expression(table)
