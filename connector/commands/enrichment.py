"""Commands on what vendors know: where they disagree, what is to be looked up again, how much each of them covers."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.table import Table
from rich.text import Text

from connector.enrichment import conflicts as disagreements
from connector.enrichment.coverage import alarms, coverages
from connector.enrichment.due import Due, DueQuery, due
from connector.errors import ConfigError
from connector.output import Output, table
from connector.reading import Reading, open_reading

QUIET: Final = 1
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def conflicts(out: Output, config: Path, as_of: datetime | None, limit: int) -> None:
    """List the attributes on which vendors disagree; the first vendor named is the one that is believed."""
    with open_reading(config) as reading, reading.engine() as engine:
        at = _instant(reading, as_of)
        total, found = disagreements.conflicts(engine, reading.lake, reading.settings, at, limit)
    rows = [(one.of, one.subject_id, one.attribute, "; ".join(_said(said) for said in one.said)) for one in found]
    more = [f"... and {total - len(found):,} more; --limit shows them"] if total > len(found) else []
    shown = [table(None, ("of", "record", "attribute", "said"), rows)] if rows else ["vendors agree"]
    out.result({"total": total, "conflicts": [asdict(one) for one in found]}, [*shown, *more])


def look_up(out: Output, config: Path, as_of: datetime | None, limit: int, output: Path | None) -> None:
    """List whom to look up again, first those whose band it could change; a file gets all of them."""
    with open_reading(config) as reading, reading.engine() as engine:
        asked = DueQuery(reading.lake, reading.settings, reading.models, _instant(reading, as_of))
        total, found = due(engine, asked, None if output else limit)
    if output is not None:
        _write(output, found)
        out.result({"total": total, "path": str(output)}, [f"{total:,} rows in {output}"])
        return
    rows = [
        (
            one.subject_id,
            one.name or "",
            one.attribute,
            _why(one),
            _score(one),
            f"±{one.could_add:g}",
            one.could_be or "",
        )
        for one in found
    ]
    headings = ("record", "name", "attribute", "why", "score", "could add", "could be")
    more = [f"... and {total - len(found):,} more; -o FILE.csv writes all"] if total > len(found) else []
    shown = [table(None, headings, rows)] if rows else ["nothing is due"]
    out.result({"total": total, "due": [asdict(one) for one in found]}, [*shown, *more])


def status(out: Output, config: Path, as_of: datetime | None) -> int:
    """Say how much each vendor covers and how new it is; exit code 1 where one is quiet."""
    with open_reading(config) as reading, reading.engine() as engine:
        found = coverages(engine, reading.lake, reading.settings, _instant(reading, as_of))
        quiet = alarms(reading.state, reading.settings)
    rows = [
        (one.of, one.attribute, one.vendor, f"{one.share:.0%}", f"{one.fresh:,}", one.newest_at or "") for one in found
    ]
    headings = ("of", "attribute", "vendor", "fresh", "records", "newest")
    lines: list[Text | Table] = [
        table(None, headings, rows),
        *(Text(f"warning: {alarm}", style="yellow") for alarm in quiet),
    ]
    out.result({"ok": not quiet, "coverage": [asdict(one) for one in found], "alarms": list(quiet)}, lines)
    return QUIET if quiet else 0


def _instant(reading: Reading, as_of: datetime | None) -> datetime:
    """Take the time of the newest scores where none is asked for; raises ConfigError where nothing is enriched."""
    if not reading.settings.enrich:
        raise ConfigError("the configuration enriches nothing; add an [[enrich]] (see config.example.toml)")
    return as_of or reading.scored_at()


def _said(said: disagreements.Said) -> str:
    age = "" if said.age_days is None else f", {said.age_days:.0f} days old"
    return f"{said.vendor} {said.value}{age}"


def _why(one: Due) -> str:
    age = "" if one.age_days is None else f", {one.age_days:.0f} days old"
    return f"{one.reason}{age}"


def _score(one: Due) -> str:
    return "" if one.score is None else f"{round(one.score, 1):g} {one.band or ''}"


def _write(path: Path, rows: Iterable[Due]) -> None:
    """Write a CSV that no spreadsheet takes for formulas."""
    names = [each.name for each in fields(Due)]
    with path.open("w", encoding="utf-8", newline="") as file:
        made = csv.writer(file)
        made.writerow(names)
        made.writerows(_cells([getattr(row, name) for name in names]) for row in rows)


def _cells(values: Sequence[object]) -> list[object]:
    return [f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value for value in values]
