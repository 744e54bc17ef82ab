"""Records in the order in which sales people should see them."""

from collections.abc import Callable, Mapping, Sequence

from connector.sandbox.pages.scores import PRIMARY, score_columns, scores_of
from connector.sandbox.pages.view import ListedRecord, Row
from connector.sandbox.storage import Storage, quote

Describe = Callable[[Row], tuple[str, str, str, str]]
"""Give a record's address, name, detail and owner."""


def ranked(storage: Storage, table: str, where: str, values: Sequence[object], limit: int) -> tuple[list[Row], int]:
    """Read living records by our priority, else by our score, the highest first; and count them all."""
    parts = score_columns(storage.columns(table))
    primary = parts.get(PRIMARY) or next(iter(parts.values()), {})
    columns = [primary[part] for part in ("priority", "score") if part in primary]
    order = [f"CAST(NULLIF({quote(column)}, '') AS REAL) DESC NULLS LAST" for column in columns]
    named = f"{quote(table)} WHERE _deleted = 0 AND ({where})"
    rows = storage.query(
        f"SELECT * FROM {named} ORDER BY {', '.join([*order, '_id'])} LIMIT ?",  # noqa: S608 - quoted identifiers
        [*values, limit],
    )
    total = storage.query(f"SELECT COUNT(*) FROM {named}", values)[0][0]  # noqa: S608 - quoted identifiers
    return [dict(row) for row in rows], int(total)


def listed(row: Row, describe: Describe, tasks: Mapping[str, int]) -> ListedRecord:
    """Show one record on a list; tasks counts the open ones by record id."""
    url, name, detail, owner = describe(row)
    best = next(iter(scores_of(row)), None)
    reason = next((each for each in best.reasons if not each.lowers), None) if best else None
    return ListedRecord(
        url=url,
        name=name,
        detail=detail,
        owner=owner,
        score=best.value if best else "",
        band=best.band if best else "",
        priority=best.priority if best else "",
        reason=reason.text if reason else "",
        tasks=tasks.get(str(row["_id"]), 0),
    )
