"""Rows to train on: the features of every snapshot, by the very statement that scores."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import duckdb

from connector.training.facts import Facts
from scoring.dialects import rendered
from scoring.predict.artefact import Feature
from scoring.predict.features import feature_statement

if TYPE_CHECKING:
    from scoring.predict.train_matrix import Rows


def read_rows(
    engine: duckdb.DuckDBPyConnection,
    facts: Facts,
    features: Sequence[Feature],
    known: Collection[str],
    points: str | None = None,
) -> "Rows":
    """Work out the features of the table `snapshots`; known are fields that the snapshots have themselves.

    points names the column of the snapshots that has what the rules gave.
    """
    from scoring.predict.train_matrix import rows_of  # on use: only training needs numpy

    query = feature_statement(features, facts.columns, known=known)
    values = ", ".join([*(f'f."{feature.id}"' for feature in features), *([f"s.{points}"] if points else [])])
    table = engine.sql(
        f"""WITH f AS ({rendered(query, "duckdb")}) SELECT s.subject_id, s.as_of_s, s.converted, s.ever, {values}
        FROM snapshots AS s JOIN f ON f.subject_id = s.subject_id AND f.as_of_s = s.as_of_s
        ORDER BY s.as_of_s, s.subject_id"""  # noqa: S608 - ids hold letters, digits, _ . and - alone
    ).to_arrow_table()
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    numeric = [feature.id for feature in features if feature.role == "numeric"]
    return rows_of(columns, numeric, [feature.id for feature in features if feature.role == "categorical"], points)
