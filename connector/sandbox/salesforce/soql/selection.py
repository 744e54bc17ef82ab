"""Lay the selected fields of a query out as SQL columns and the shape of its records."""

from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.salesforce.errors import CrmError, pointing
from connector.sandbox.salesforce.objects import ADDRESS_PARTS, FieldSpec
from connector.sandbox.salesforce.soql.scope import Column, Polymorph, Record, Scope
from connector.sandbox.salesforce.soql.shape import ADDRESS_KEYS, Choice, Shape
from connector.sandbox.salesforce.soql.tree import Name, Query, TypeOf
from connector.sandbox.storage import quote

MAX_KEYS = 60  # SQLite's functions take 127 arguments
PART_OF_KEY = {part[0].lower() + part[1:]: part for part in ADDRESS_PARTS}


@dataclass
class Node:
    """Gather what is selected of one record; items keep the order of the query."""

    source: Record | Polymorph
    items: dict[str, "Column | Node | Alternatives | None"] = field(default_factory=dict)
    shown_as: str | None = None


@dataclass
class Alternatives:
    """Gather the branches of a TYPEOF."""

    branches: list[Node]


class Selection:
    """Resolve the select list of one scope."""

    def __init__(self, scope: Scope, items: list[Any]) -> None:
        self._scope = scope
        self.children: list[Query] = []
        self.has_long_text = False
        self._root = Node(scope.root)
        self._columns: list[str] = []
        for item in items:
            self._add(item)

    def laid_out(self) -> tuple[Shape, list[str]]:
        """Give the root's shape and all SQL columns."""
        shape = self._shape(self._root)
        return shape, self._columns

    def text_sql(self) -> str | None:
        """Give SQL that writes a record as JSON, or null where it nests; its one bind is the path before `Lead/00Q…`.

        SQLite writes a page several times faster than Python does.
        """
        source, items = self._root.source, self._root.items
        columns = {key: item for key, item in items.items() if isinstance(item, Column) and item.spec.type != "address"}
        if not isinstance(source, Record) or len(columns) < len(items) or len(items) > MAX_KEYS:
            return None
        url = f"? || '{source.spec.name}/' || {source.table}._id"
        parts = [f"'attributes', JSON_OBJECT('type', '{source.spec.name}', 'url', {url})"]
        parts += [f"'{key}', {_json_value(column)}" for key, column in columns.items()]
        return f"JSON_OBJECT({', '.join(parts)})"

    def _add(self, item: Any) -> None:  # noqa: ANN401 - any selected item
        if isinstance(item, Query):
            name = item.object
            relations = self._scope.view.children(self._scope.root.spec.name)
            key = next((known for known in relations if known.lower() == name.lower()), name)
            self._put(self._root, key, None, item.object_position)
            self.children.append(item)
        elif isinstance(item, TypeOf):
            self._add_typeof(item)
        else:
            self._add_name(item)

    def _add_name(self, name: Name) -> None:
        if name.alias is not None:
            raise self._refuse(name.position, "only aggregate expressions use field aliasing")
        path = self._scope.local_path(name)
        node = self._root
        for part in path[:-1]:
            node = self._parent(node, part, name)
        column = self._scope.field(node.source, path[-1], name)
        self.has_long_text |= column.spec.is_long_text
        self._put(node, column.spec.name, column, name.position)

    def _parent(self, node: Node, part: str, name: Name) -> Node:
        source = self._scope.parent(node.source, part, name)
        relation = self._scope.relationship(node.source, part)
        key = relation.relationship if relation is not None and relation.relationship else part
        shown_as = "Name" if isinstance(source, Polymorph) else None
        found = node.items.setdefault(key, Node(source, shown_as=shown_as))
        if not isinstance(found, Node):
            raise self._refuse(name.position, f"duplicate field selected: {key}")
        return found

    def _add_typeof(self, item: TypeOf) -> None:
        name = item.relationship
        relation = self._scope.relationship(self._scope.root, name.path[-1])
        source = self._scope.parent(self._scope.root, name.path[-1], name)
        if len(name.path) > 1 or not isinstance(source, Polymorph) or relation is None:
            raise self._refuse(name.position, f"TYPEOF needs a polymorphic relationship: {'.'.join(name.path)}")
        branches = []
        targets = {target.spec.name.lower(): target for target in source.targets}
        for kind, fields in item.branches:
            if kind.lower() not in targets:
                raise self._refuse(name.position, f"'{kind}' is not a type of the relationship {relation.relationship}")
            branches.append(self._branch(targets[kind.lower()], fields))
        branches.append(self._branch(source, item.otherwise))
        self._put(self._root, str(relation.relationship), Alternatives(branches), name.position)

    def _branch(self, source: Record | Polymorph, fields: tuple[Name, ...]) -> Node:
        node = Node(source)
        for name in fields:
            if len(name.path) > 1:
                raise self._refuse(name.position, "TYPEOF branches take fields of the type itself")
            column = self._scope.field(source, name.path[0], name)
            self._put(node, column.spec.name, column, name.position)
        return node

    def _put(self, node: Node, key: str, item: "Column | Alternatives | None", position: int) -> None:
        if key in node.items:
            raise self._refuse(position, f"duplicate field selected: {key}")
        node.items[key] = item

    def _refuse(self, position: int, message: str) -> CrmError:
        return pointing(self._scope.query.source, position, "MALFORMED_QUERY", message)

    def _shape(self, node: Node) -> Shape:
        source, first = node.source, len(self._columns)
        columns = {key: item for key, item in node.items.items() if isinstance(item, Column)}
        self._columns.append(f"{source.table}._id" if isinstance(source, Record) else source.id_sql())
        self._columns += [columns[key].stamp or columns[key].sql if key in columns else "NULL" for key in node.items]
        if isinstance(source, Polymorph):
            self._columns.append(source.type_sql())
        return Shape(
            object=source.spec.name if isinstance(source, Record) else None,
            first=first,
            keys=("attributes", *node.items),
            booleans=tuple(key for key, column in columns.items() if column.spec.type == "boolean"),
            stamps=tuple(key for key, column in columns.items() if column.stamp is not None),
            addresses=self._addresses(source, columns),
            parents=tuple(
                (key, self._nested(item)) for key, item in node.items.items() if isinstance(item, (Node, Alternatives))
            ),
            shown_as=node.shown_as,
        )

    def _nested(self, item: Node | Alternatives) -> Shape | Choice:
        if isinstance(item, Node):
            return self._shape(item)
        return Choice(tuple(self._shape(branch) for branch in item.branches))

    def _addresses(
        self, source: Record | Polymorph, columns: dict[str, Column]
    ) -> tuple[tuple[str, tuple[int, ...]], ...]:
        found = []
        for key, column in columns.items():
            if column.spec.type == "address" and isinstance(source, Record):
                start = len(self._columns)
                self._columns += [_address_part(source, column.spec, part) for part in ADDRESS_KEYS]
                found.append((key, tuple(range(start, len(self._columns)))))
        return tuple(found)


def _json_value(column: Column) -> str:
    if column.spec.type == "boolean":
        return f"JSON(CASE WHEN {column.sql} THEN 'true' ELSE 'false' END)"
    return column.sql


def _address_part(source: Record, spec: FieldSpec, key: str) -> str:
    return f"{source.table}.{quote(f'{spec.prefix}{PART_OF_KEY[key]}')}"
