"""The command that examines everything: configuration, store and CRM."""

from collections import Counter
from itertools import groupby
from pathlib import Path

from rich.table import Table
from rich.text import Text

from connector import doctor as checks
from connector.output import Output
from connector.surroundings import Check

MARKS = {"ok": "green", "look": "yellow", "wrong": "bold red"}
SHOWN = 3


def doctor(out: Output, config: Path) -> int:
    """Run the checks and list them."""
    found = checks.examine(config)
    ok = all(check.ok for check in found)
    data = {"ok": ok, "checks": [check.as_dict() for check in found]}
    out.result(data, [_findings(found), _summary(found)])
    return 0 if ok else 2


def _mark(check: Check) -> str:
    if not check.ok:
        return "wrong"
    return "look" if check.warning else "ok"


def _findings(found: list[Check]) -> Table:
    """Lay out the findings; of many alike the first are shown."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for (mark, name, fix), alike in groupby(found, lambda check: (_mark(check), check.name, check.fix)):
        details = [check.detail for check in alike]
        shown = details if len(details) <= SHOWN + 1 else details[:SHOWN]
        for detail in shown:
            advice = f"\ndo: {fix}" if fix and fix not in detail else ""
            grid.add_row(Text(mark, style=MARKS[mark]), name, Text.assemble(detail, (advice, "dim")))
        if len(shown) < len(details):
            rest = f"and {len(details) - len(shown)} more like these; --json lists all"
            grid.add_row(Text(mark, style=MARKS[mark]), name, Text(rest))
    return grid


def _summary(found: list[Check]) -> Text:
    counts = Counter(map(_mark, found))
    look = f", {counts['look']} worth a look" if counts["look"] else ""
    return Text(f"\n{len(found)} checks: {counts['wrong']} wrong{look}.")
