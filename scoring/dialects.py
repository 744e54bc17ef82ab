"""The statement in other dialects than DuckDB's: one list of what differs per engine, applied to the finished tree.

The builders of the statement know DuckDB alone. PostgreSQL and Spark get the same values from rewritten parts;
other dialects get what sqlglot makes of the tree, and an error where it knows that something is lost.
"""

from __future__ import annotations  # sqlglot 28 has no name for what is every node

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlglot import ErrorLevel, exp
from sqlglot.errors import UnsupportedError

from scoring.dialect_postgres import POSTGRES
from scoring.dialect_spark import DATABRICKS, SPARK
from scoring.dialect_warehouses import BIGQUERY, SNOWFLAKE, TRINO
from scoring.names import nearest
from scoring.spelled_out import SPELLED_OUT

Rewrite = Callable[[Any, "exp.Expr | None"], "exp.Expr"]
Rewrites = Mapping[type["exp.Expr"], Rewrite]

RUN: Final = ("duckdb", "postgres", "spark")
"""Dialects whose statement is run against a real engine by tests."""

GENERATED: Final = ("bigquery", "databricks", "snowflake", "trino")
"""Dialects whose statement is generated and parsed again by tests, not run."""

_REWRITES: Final[Mapping[str, Rewrites]] = MappingProxyType(
    {
        "postgres": POSTGRES,
        "spark": SPARK,
        "databricks": DATABRICKS,
        "snowflake": SNOWFLAKE,
        "bigquery": BIGQUERY,
        "trino": TRINO,
    }
)


def dialect_problem(name: str) -> str | None:
    """Say what is wrong with the name of a dialect; null where it is offered."""
    offered = (*RUN, *GENERATED)
    if name in offered:
        return None
    return f"there is no dialect '{name}'{nearest(name, offered)} (there are {', '.join(offered)})"


def rendered(query: exp.Expr, dialect: str) -> str:
    """Write a finished tree, which is used up; raises ValueError where the dialect cannot say it."""
    if dialect == "duckdb":
        return query.sql(dialect, pretty=True, copy=False)
    try:
        tree = _rewritten(_rewritten(query, SPELLED_OUT), _REWRITES.get(dialect, {}))
        return tree.sql(dialect, pretty=True, copy=False, unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise ValueError(f"{dialect}: {error}") from None


def _rewritten(tree: exp.Expr, rewrites: Rewrites) -> exp.Expr:
    """Rewrite from the leaves to the root, so that a part never meets its own result."""
    if not rewrites:
        return tree
    root = exp.Paren(this=tree)
    for node in reversed(list(tree.dfs())):
        rewrite = rewrites.get(type(node))
        if rewrite is not None:
            parent, place = node.parent, exp.Placeholder()
            node.replace(place)
            place.replace(rewrite(node, parent))
    finished: exp.Expr = root.this.pop()
    return finished
