"""Commands that show which accounts people were matched to, and why."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connector import readings
from connector.errors import ConfigError
from connector.matching.examine import examine, lines_of
from connector.matching.kept import count_matches, list_matches
from connector.output import Output, table
from connector.reading import open_reading
from mappings.lists import open_lists

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
        told = examine(
            engine, reading.lake, reading.settings.matching, open_lists(reading.settings.lists.folder), record
        )
    out.result(told.as_dict(), lines_of(told))


def show_readings(out: Output, config: Path, what: str) -> None:
    """Count what was read of titles or sources, list what could not be, and warn where that is much or more."""
    with open_reading(config) as reading, reading.engine() as engine:
        share = readings.share_of(engine, reading.lake, what)
        if share is None:
            raise ConfigError(
                f"{what}: the store holds nobody yet, or the mapping does not read them; run a sync first"
            )
        counts = readings.meanings(engine, reading.lake, what)
        texts = readings.unread(engine, reading.lake, what, None if out.json_wanted else SHOWN)
        before = readings.earlier(reading.state, what)
    warnings = list(readings.alarms(what, share, before))
    out.result(
        {
            "people": share.people,
            "unread": share.unread,
            "unread_share": round(share.share, 4),
            "before": {"day": before[0].isoformat(), "unread_share": round(before[1].share, 4)} if before else None,
            "meanings": counts,
            "texts": [{"text": text, "people": n} for text, n in texts],
            "warnings": warnings,
        },
        [
            f"{what}: {share.people:,} people, {share.share:.1%} not known",
            *(f"warning: {warning}" for warning in warnings),
            table(None, ("read as", "people"), [(name, f"{n:,}") for name, n in counts.items()]),
            *([table(None, ("not known", "people"), [(text, f"{n:,}") for text, n in texts])] if texts else []),
        ],
    )


def _who(row: Mapping[str, Any]) -> str:
    return f"{row['person']} ({row['person_id']})" if row["person"] else str(row["person_id"])
