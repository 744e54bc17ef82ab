"""Compile a query for a bulk job: flat columns, as CSV shows them."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.soql.compiler import Compiler, Settings, bounds_sql, unsupported_object
from connector.sandbox.salesforce.soql.scope import Column, Scope
from connector.sandbox.salesforce.soql.tree import Name, Query
from connector.sandbox.storage import quote


@dataclass(frozen=True)
class FlatPlan:
    """Hold the statements of a bulk query: ids lists the records, page reads a JSON array of ids in its order."""

    object: str
    ids: str
    binds: tuple[Any, ...]
    page: str
    headers: tuple[str, ...]


def compile_flat(query: Query, settings: Settings) -> FlatPlan:
    """Compile a bulk query; raises CrmError API_ERROR for what bulk jobs do not support."""
    spec = settings.view.object(query.object)
    if spec is None:
        raise unsupported_object(query)
    if query.is_aggregate or query.offset is not None:
        raise CrmError("API_ERROR", "Aggregate functions, GROUP BY and OFFSET are not supported in Bulk Query", None)
    compiler = Compiler(settings, count())
    scope = Scope(settings.view, query, spec, compiler.numbers)
    headers, columns = [], []
    for item in compiler.expanded(query, spec):
        if not isinstance(item, Name):
            raise CrmError("API_ERROR", "Nested queries and TYPEOF are not supported in Bulk Query", None)
        column = scope.column(item)
        if column.spec.type == "address":
            raise CrmError("API_ERROR", "Selecting compound data not supported in Bulk Query", None)
        headers.append(_header(scope, item, column))
        columns.append(_cell_sql(column))
    where, binds = compiler.where(scope, query)
    root = scope.root.table
    order = compiler.order(scope, query, {}) or f" ORDER BY {root}._id"
    ids = f"SELECT {root}._id FROM {scope.from_sql()} WHERE {where}{order}{bounds_sql(query)}"  # noqa: S608 - quoted names
    # CROSS JOIN makes SQLite walk the ids in the order given.
    page = (
        f"SELECT {', '.join(columns)} FROM json_each(?) j CROSS JOIN {quote(spec.name)} {root}"  # noqa: S608 - quoted names
        f" ON {root}._id = j.value{scope.joins_sql()}"
    )
    return FlatPlan(spec.name, ids, tuple(binds), page, tuple(headers))


def _header(scope: Scope, name: Name, column: Column) -> str:
    return ".".join([*scope.local_path(name)[:-1], column.spec.name])


def _cell_sql(column: Column) -> str:
    if column.spec.type == "boolean":
        return f"CASE WHEN {column.sql} THEN 'true' ELSE 'false' END"
    if column.spec.type == "datetime":
        return f"REPLACE({column.sql}, '+0000', 'Z')"
    return column.sql
