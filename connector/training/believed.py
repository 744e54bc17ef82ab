"""Vendors' attributes as they were believed at the time of a snapshot: by what each vendor had said until then."""

from typing import Final

import duckdb

from connector.engine.relations import literal, quoted
from connector.enrichment.resolve import UNKNOWN
from connector.settings.enrichment import CRM
from connector.training.facts import Believed
from scoring.predict.features import DAY_S
from scoring.subjects import feature_name

NOTHING: Final = "(SELECT NULL::VARCHAR AS id, NULL::VARCHAR AS value WHERE false)"


def believe(engine: duckdb.DuckDBPyConnection, one: Believed, form: str, whose: tuple[str, str]) -> None:
    """Put in a column of the snapshots what is believed: the first vendor's newest word before, if it was fresh then.

    The column holds what the CRM's own said. form writes a value's text in the column's type; whose is as
    `histories.subjects_of` has it.
    """
    key, joined = whose
    column = quoted(feature_name(one.field))
    vendors = [name for name in one.vendors if name != CRM]
    last = ", ".join(
        f"max({{'at': n.at_s, 'value': n.value}}) FILTER (n.vendor = {literal(name)}) AS {quoted(f'v {name}')}"
        for name in vendors
    )
    said = ", ".join(f"s.{column}" if name == CRM else _fresh(one, name, form) for name in one.vendors)
    if not vendors:
        return
    engine.execute(
        f"""CREATE OR REPLACE TEMPORARY TABLE snapshots AS
        WITH theirs AS (SELECT s.subject_id, s.as_of_s, {key} AS key FROM snapshots AS s {joined}),
        told AS (SELECT subject_id, vendor, value, floor(epoch(observed_at))::BIGINT AS at_s FROM {one.observed}),
        newest AS (
            SELECT t.subject_id, t.as_of_s, {last} FROM theirs AS t
            JOIN told AS n ON n.subject_id = t.key AND n.at_s < t.as_of_s GROUP BY ALL)
        SELECT s.* REPLACE (COALESCE({said}) AS {column})
        FROM snapshots AS s LEFT JOIN newest AS k USING (subject_id, as_of_s)
        ORDER BY as_of_s, subject_id"""  # noqa: S608 - names are quoted
    )


def _fresh(one: Believed, vendor: str, form: str) -> str:
    """Write what a vendor said last, in the type of the column; null where it is too old or says nothing."""
    last = f"k.{quoted(f'v {vendor}')}"
    value = form.format(f"NULLIF(NULLIF(TRIM({last}.value), ''), {literal(UNKNOWN)})")
    if one.max_age_days is None:
        return value
    return f"CASE WHEN {last}.at >= s.as_of_s - {round(one.max_age_days * DAY_S)} THEN {value} END"
