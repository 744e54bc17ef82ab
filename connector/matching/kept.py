"""What matching kept in the store, as `explain` and lists tell it; nothing is judged here."""

from typing import Any, Final

import duckdb

from connector.matching.linked import AMBIGUOUS, MATCHES
from connector.store.lake import Lake
from connector.tables import MIRROR

_COLUMNS: Final = ("person_id", "person", "account_id", "account", "method", "confidence_share", "evidence", "rivals")


def count_matches(engine: duckdb.DuckDBPyConnection, lake: Lake) -> dict[str, int]:
    """Count matches by method, the ambiguous ones as such; most first."""
    matches = lake.relation(MATCHES)
    if matches is None:
        return {}
    select = f"SELECT method, count(*) FROM {matches} GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608 - a file list of our own making
    return dict(engine.execute(select).fetchall())


def list_matches(
    engine: duckdb.DuckDBPyConnection, lake: Lake, *, ambiguous: bool, limit: int | None = None
) -> list[dict[str, Any]]:
    """List matches, the least sure first, or the people for whom several accounts were in question."""
    matches, mirror, accounts = (lake.relation(name) for name in (MATCHES, MIRROR, "accounts"))
    if matches is None or accounts is None:
        return []
    named = f"SELECT record_id, name FROM {mirror} WHERE role = 'person'" if mirror else "SELECT '' AS record_id, ''"  # noqa: S608 - file lists of our own making
    rows = engine.execute(
        f"""SELECT m.person_id, n.name, m.account_id, a.name, m.method, m.confidence_share, m.evidence, m.rivals
            FROM {matches} m LEFT JOIN ({named}) n(record_id, name) ON n.record_id = m.person_id
            LEFT JOIN {accounts} a ON a.account_id = m.account_id
            WHERE (m.method = '{AMBIGUOUS}') = ? ORDER BY m.confidence_share, m.person_id LIMIT ?""",  # noqa: S608 - as above
        [ambiguous, limit],
    ).fetchall()
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]


def match_of(engine: duckdb.DuckDBPyConnection, lake: Lake, person_id: str) -> dict[str, Any] | None:
    """Give the match of one person with the account's name; null for who has none, or an account of the CRM's own."""
    matches, accounts = lake.relation(MATCHES), lake.relation("accounts")
    if matches is None or accounts is None:
        return None
    own = "p.account_id IS NULL" if "account_id" in lake.columns("people") else "true"
    rows = engine.execute(
        f"""SELECT m.account_id, a.name, m.method, m.confidence_share, m.evidence FROM {matches} m
            JOIN {lake.relation("people")} p USING (person_id) JOIN {accounts} a ON a.account_id = m.account_id
            WHERE m.person_id = ? AND {own}""",  # noqa: S608 - as above
        [person_id],
    ).fetchall()
    names = ("account_id", "account", "method", "confidence_share", "evidence")
    return dict(zip(names, rows[0], strict=True)) if rows else None
