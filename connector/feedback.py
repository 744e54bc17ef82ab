"""What sales people said of leads, counted."""

from collections import Counter
from typing import Any, Final

import duckdb

from connector.models import Models
from connector.store.lake import Lake
from connector.tables import tables_of

KINDS: Final = ("accepted", "rejected")


def verdict_counts(engine: duckdb.DuckDBPyConnection, lake: Lake, models: Models) -> list[dict[str, Any]]:
    """Count verdicts by kind, reason and the band that the person has now in the primary model."""
    outcomes, scores = lake.relation("outcomes"), lake.relation(tables_of(models.of("person")[0])[0])
    if outcomes is None or scores is None or "person_id" not in lake.columns("outcomes"):
        return []
    reason = "o.reason" if "reason" in lake.columns("outcomes") else "NULL"
    rows = engine.execute(
        f"""SELECT o.kind, {reason}, s.band FROM {outcomes} o LEFT JOIN {scores} s ON s.subject_id = o.person_id
            WHERE list_contains(?::VARCHAR[], o.kind) AND o.person_id IS NOT NULL""",  # noqa: S608 - as above
        [list(KINDS)],
    ).fetchall()
    counted = sorted(Counter(rows).items(), key=lambda one: (-one[1], repr(one[0])))
    return [{"kind": kind, "reason": why, "band": band, "people": n} for (kind, why, band), n in counted]
