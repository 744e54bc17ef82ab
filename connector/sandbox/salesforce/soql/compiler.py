"""Compile a parsed query to SQLite statements and the shapes of its records."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from connector.sandbox.salesforce.catalog import View
from connector.sandbox.salesforce.errors import CrmError, malformed, pointing
from connector.sandbox.salesforce.objects import FieldSpec, ObjectSpec
from connector.sandbox.salesforce.soql.conditions import ID_TYPES, NUMBER_TYPES, TEXT_TYPES, Conditions
from connector.sandbox.salesforce.soql.scope import Column, Scope
from connector.sandbox.salesforce.soql.selection import Selection
from connector.sandbox.salesforce.soql.shape import Shape
from connector.sandbox.salesforce.soql.tree import Aggregate, AllFields, Name, Ordering, Query
from connector.sandbox.storage import quote

PAGE = 2000
LONG_TEXT_PAGE = 1000
MAX_OFFSET = 2000
MAX_GROUPS = 2000
MAX_FIELDS_LIMIT = 200


@dataclass(frozen=True)
class Settings:
    """Say how a query is run: whether deleted rows count, what time it is, up to which change rows are visible."""

    view: View
    now: datetime
    include_deleted: bool = False
    visible_until_ms: int | None = None


@dataclass(frozen=True)
class Child:
    """Hold a child subquery under its relationship's name."""

    key: str
    plan: "Plan"


@dataclass(frozen=True)
class Plan:
    """Hold the statements of a query of records.

    ids lists the record ids in order; page reads columns for a JSON array of ids (its one bind), in that order.
    text_page, where records do not nest, gives each as JSON text; its binds are the path before `Lead/00Q…`, the ids.
    For a child subquery, ids gives pairs of record id and parent id, takes a JSON array of parent ids as its last bind
    and leaves limit and offset, which count per parent, to the caller.
    """

    object: str
    ids: str
    binds: tuple[Any, ...]
    page: str
    text_page: str | None
    shape: Shape
    children: tuple[Child, ...]
    page_size: int
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True)
class GroupPlan:
    """Hold the statement of an aggregate query; keys is empty for a lone COUNT()."""

    object: str
    statement: str
    binds: tuple[Any, ...]
    keys: tuple[str, ...]
    booleans: dict[int, bool]


def compile_query(query: Query, settings: Settings) -> Plan | GroupPlan:
    """Compile a query; raises CrmError for names, types and clauses that do not fit."""
    spec = settings.view.object(query.object)
    if spec is None:
        raise unsupported_object(query)
    compiler = Compiler(settings, count())
    return compiler.groups(query, spec) if query.is_aggregate else compiler.records(query, spec)


def unsupported_object(query: Query) -> CrmError:
    """Refuse an object that is not there."""
    message = (
        f"sObject type '{query.object}' is not supported. If you are attempting to use a custom object, be sure to "
        "append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate "
        "names."
    )
    return pointing(query.source, query.object_position, "INVALID_TYPE", message)


class Compiler:
    """Compile one query and those inside it; numbers yields fresh table names."""

    def __init__(self, settings: Settings, numbers: Iterator[int]) -> None:
        self._settings, self.numbers = settings, numbers

    def records(self, query: Query, spec: ObjectSpec, link: FieldSpec | None = None) -> Plan:
        """Compile a query whose rows are records; link is the reference field of a child subquery."""
        self._check(query)
        scope = Scope(self._settings.view, query, spec, self.numbers)
        selection = Selection(scope, self.expanded(query, spec))
        root = scope.root.table
        shape, columns = selection.laid_out()
        children = tuple(self._child(spec, inner) for inner in selection.children)
        where, binds = self.where(scope, query)
        order = self.order(scope, query, {})
        source = scope.from_sql()
        link_sql = f"{root}.{quote(link.name)}" if link else ""
        picked = f"{root}._id, {link_sql}" if link else f"{root}._id"
        if link is not None:
            where += f" AND {link_sql} IN (SELECT value FROM json_each(?))"  # noqa: S608 - quoted names
        bounds = "" if link else bounds_sql(query)
        ids = f"SELECT {picked} FROM {source} WHERE {where}{order or f' ORDER BY {root}._id'}{bounds}"  # noqa: S608 - quoted names
        # CROSS JOIN makes SQLite walk the ids in the order given.
        among = f"FROM json_each(?) j CROSS JOIN {quote(spec.name)} {root} ON {root}._id = j.value{scope.joins_sql()}"
        page = f"SELECT {', '.join(columns)} {among}"
        text = selection.text_sql()
        text_page = f"SELECT {text} {among}" if text else None
        size = LONG_TEXT_PAGE if selection.has_long_text else PAGE
        return Plan(
            spec.name, ids, tuple(binds), page, text_page, shape, children, size, query.limit, query.offset or 0
        )

    def groups(self, query: Query, spec: ObjectSpec) -> GroupPlan:
        """Compile a query whose rows are groups."""
        scope = Scope(self._settings.view, query, spec, self.numbers)
        grouped = [scope.column(name).sql for name in query.group_by]
        keys: list[str] = []
        columns: list[Column] = []
        aliases: dict[str, Column] = {}
        for item in query.selected:
            column, key = self._group_item(scope, item, grouped, sum(name.startswith("expr") for name in keys))
            keys.append(key)
            columns.append(column)
            aliases[key.lower()] = column
        _check_count(query)
        where, binds = self.where(scope, query)
        having = ""
        if query.having is not None:
            conditions = self._conditions(scope)
            having = f" HAVING {conditions.sql(query.having)}"
            binds += conditions.binds
        order = self.order(scope, query, aliases)
        group = f" GROUP BY {', '.join(grouped)}" if grouped else ""
        selected = ", ".join(column.sql for column in columns)
        bounds = bounds_sql(query) or f" LIMIT {MAX_GROUPS + 1}"
        statement = f"SELECT {selected} FROM {scope.from_sql()} WHERE {where}{group}{having}{order}{bounds}"  # noqa: S608 - quoted names
        booleans = {index: True for index, column in enumerate(columns) if column.spec.type == "boolean"}
        lone = isinstance(query.selected[0], Aggregate) and query.selected[0].field is None
        return GroupPlan(spec.name, statement, tuple(binds), () if lone else tuple(keys), booleans)

    def inner(self, query: Query, binds: list[Any]) -> str:
        """Compile the query of a semi-join, of one id field."""
        spec = self._settings.view.object(query.object)
        if spec is None:
            raise unsupported_object(query)
        if len(query.selected) != 1 or query.is_aggregate or query.limit is not None or query.order_by:
            raise malformed("Semi join sub-selects must select one id field, without ORDER BY or LIMIT")
        selected = query.selected[0]
        scope = Scope(self._settings.view, query, spec, self.numbers)
        if not isinstance(selected, Name) or (column := scope.column(selected)).spec.type not in ID_TYPES:
            raise malformed("Semi join sub-selects can only query id fields")
        where, inner_binds = self.where(scope, query)
        binds += inner_binds
        return f"SELECT {column.sql} FROM {scope.from_sql()} WHERE {where}"  # noqa: S608 - quoted names

    def _child(self, parent: ObjectSpec, query: Query) -> Child:
        relations = {name.lower(): (name, *pair) for name, pair in self._settings.view.children(parent.name).items()}
        found = relations.get(query.object.lower())
        if found is None:
            message = (
                f"Didn't understand relationship '{query.object}' in FROM part of query call. If you are attempting to "
                "use a custom relationship, be sure to append the '__r' after the custom relationship name. Please "
                "reference your WSDL or the describe call for the appropriate names."
            )
            raise pointing(query.source, query.object_position, "INVALID_TYPE", message)
        if query.is_aggregate:
            raise malformed("aggregate functions are not allowed in a child relationship query")
        name, spec, link = found
        return Child(name, self.records(query, spec, link))

    def _check(self, query: Query) -> None:
        if query.having is not None:
            raise malformed("HAVING requires GROUP BY")
        if (query.offset or 0) > MAX_OFFSET:
            raise CrmError("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}", None)

    def expanded(self, query: Query, spec: ObjectSpec) -> list[Any]:
        """Give the selected items with FIELDS() spelled out."""
        items: list[Any] = []
        for item in query.selected:
            if not isinstance(item, AllFields):
                items.append(item)
                continue
            if item.kind != "STANDARD" and (query.limit is None or query.limit > MAX_FIELDS_LIMIT):
                raise malformed(f"The SOQL FIELDS function must have a LIMIT of at most {MAX_FIELDS_LIMIT}")
            custom = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}[item.kind]
            items += [Name((name,), 0) for name, field in spec.fields.items() if field.custom in custom]
        return items

    def where(self, scope: Scope, query: Query) -> tuple[str, list[Any]]:
        """Give the SQL of the conditions and its binds; deleted and not yet visible rows are left out."""
        root = scope.root.table
        parts: list[str] = []
        binds: list[Any] = []
        if not self._settings.include_deleted:
            parts.append(f"{root}._deleted = 0")
        if self._settings.visible_until_ms is not None:
            parts.append(f"{root}._modified_at <= ?")
            binds.append(self._settings.visible_until_ms)
        if query.where is not None:
            conditions = self._conditions(scope)
            parts.append(conditions.sql(query.where))
            binds += conditions.binds
        return " AND ".join(parts) or "1", binds

    def _conditions(self, scope: Scope) -> Conditions:
        def operand(left: Name | Aggregate) -> Column:
            return scope.column(left) if isinstance(left, Name) else aggregate(scope, left)

        return Conditions(scope, operand, self.inner, self._settings.now.date())

    def order(self, scope: Scope, query: Query, aliases: dict[str, Column]) -> str:
        """Give the ORDER BY clause, or nothing; aliases names the columns of an aggregate query."""
        parts = [_ordered(scope, ordering, aliases) for ordering in query.order_by]
        return f" ORDER BY {', '.join(parts)}" if parts else ""

    def _group_item(self, scope: Scope, item: Any, grouped: list[str], number: int) -> tuple[Column, str]:  # noqa: ANN401 - any selected item
        if isinstance(item, Aggregate):
            return aggregate(scope, item), item.alias or f"expr{number}"
        if not isinstance(item, Name):
            raise malformed("Only fields and aggregate functions can be selected with GROUP BY")
        column = scope.column(item)
        if column.sql not in grouped:
            message = f"Field must be grouped or aggregated: {'.'.join(item.path)}"
            raise pointing(scope.query.source, item.position, "MALFORMED_QUERY", message)
        return column, item.alias or column.spec.name


def aggregate(scope: Scope, item: Aggregate) -> Column:
    """Give the SQL and result type of an aggregate function."""
    if item.field is None:
        return Column("COUNT(*)", FieldSpec("expr0", "int"))
    column = scope.column(item.field)
    kind = column.spec.type
    allowed = {"SUM": NUMBER_TYPES, "AVG": NUMBER_TYPES}.get(item.function)
    if (allowed and kind not in allowed) or not column.spec.filterable or kind in ("address", "boolean"):
        message = f"field {column.spec.name} does not support aggregate operator {item.function}"
        raise pointing(scope.query.source, item.position, "MALFORMED_QUERY", message)
    if item.function.startswith("COUNT"):
        distinct = "DISTINCT " if item.function == "COUNT_DISTINCT" else ""
        return Column(f"COUNT({distinct}{column.sql})", FieldSpec("expr0", "int"))
    if item.function in ("SUM", "AVG"):
        value = f"CAST({column.sql} AS REAL)"
        return Column(f"{item.function}({value})", FieldSpec("expr0", "double"))
    stamp = f"{item.function}({column.stamp})" if column.stamp else None
    return Column(f"{item.function}({column.sql})", column.spec, stamp)


def _ordered(scope: Scope, ordering: Ordering, aliases: dict[str, Column]) -> str:
    by = ordering.by
    if isinstance(by, Aggregate):
        column = aggregate(scope, by)
    elif len(by.path) == 1 and by.path[0].lower() in aliases:
        column = aliases[by.path[0].lower()]
    else:
        column = scope.column(by)
    if not column.spec.filterable or column.spec.type == "address":
        message = f"field '{column.spec.name}' can not be sorted in a query call"
        raise pointing(scope.query.source, by.position, "MALFORMED_QUERY", message)
    sql = f"{column.stamp} / 1000" if column.stamp else column.sql
    if column.spec.type in TEXT_TYPES:
        sql += " COLLATE NOCASE"
    direction = "DESC" if ordering.descending else "ASC"
    nulls = "" if sql.endswith("._id") or column.stamp else f" NULLS {'LAST' if ordering.nulls_last else 'FIRST'}"
    return f"{sql} {direction}{nulls}"


def bounds_sql(query: Query) -> str:
    """Give the LIMIT clause, or nothing."""
    if query.limit is None and query.offset is None:
        return ""
    limit = -1 if query.limit is None else query.limit
    return f" LIMIT {limit} OFFSET {query.offset or 0}"


def _check_count(query: Query) -> None:
    lone = [item for item in query.selected if isinstance(item, Aggregate) and item.field is None]
    if lone and (len(query.selected) > 1 or query.group_by):
        raise malformed("COUNT() must be the only element in the select list")
