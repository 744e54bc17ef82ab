"""Commands that show which accounts people were matched to, and why."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connector.matching.look import count_matches, examine, lines_of, list_matches
from connector.output import Output, table
from connector.reading import open_reading

SHOWN = 20


def match_list(out: Output, config: Path) -> None:
    """List who belongs to which account by which evidence, the least sure first."""
    with open_reading(config) as reading, reading.engine() as engine:
        counts = count_matches(engine, reading.lake)
        rows = list_matches(engine, reading.lake, ambiguous=False, limit=None if out.json_wanted else SHOWN)
    total = ", ".join(f"{n:,} {name}" for name, n in counts.items()) or "nobody"
    cells = [
        (_who(row), row["account"] or row["account_id"], f"{row['confidence_share']:.0%}", row["evidence"])
        for row in rows
    ]
    left = sum(n for name, n in counts.items() if name != "ambiguous") - len(rows)
    out.result(
        {"counts": counts, "matches": rows},
        [
            f"matched: {total}",
            *([table(None, ("person", "account", "sure", "why"), cells)] if cells else []),
            *([f"... and {left:,} more that are surer; --json gives all"] if left > 0 else []),
        ],
    )


def match_ambiguous(out: Output, config: Path) -> None:
    """List the people for whom several accounts are in question, so that none was taken."""
    with open_reading(config) as reading, reading.engine() as engine:
        rows = list_matches(engine, reading.lake, ambiguous=True)
    cells = [(_who(row), row["evidence"]) for row in rows[:SHOWN]]
    left = len(rows) - len(cells)
    out.result(
        {"ambiguous": rows},
        [
            f"ambiguous: {len(rows):,} people",
            *([table(None, ("person", "accounts in question"), cells)] if cells else []),
            *([f"... and {left:,} more; --json gives all"] if left else []),
        ],
    )


def match_explain(out: Output, config: Path, record: str) -> None:
    """Show which accounts were in question for one person, what speaks for each, and why one was taken or none."""
    with open_reading(config) as reading, reading.engine() as engine:
        told = examine(engine, reading.lake, reading.settings.matching, record)
    out.result(told.as_dict(), lines_of(told))


def _who(row: Mapping[str, Any]) -> str:
    return f"{row['person']} ({row['person_id']})" if row["person"] else str(row["person_id"])
