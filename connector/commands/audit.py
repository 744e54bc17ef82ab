"""The command that judges the facts before anybody trusts a score: `leadlight audit`."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.table import Table
from rich.text import Text

from connector.audit.finding import Audit, Finding, Weakened, rounded
from connector.audit.gate import unmet
from connector.audit.run import audit, audited_store
from connector.loading import load_parts
from connector.output import Output, table
from connector.reading import open_reading

SEVERE: Final = 1
STYLES: Final = {"severe": "bold red", "warning": "yellow", "note": "dim"}
_GOOD, _FAIR = 80.0, 60.0
_SHOWN = 4


def tell(out: Output, config: Path, as_of: datetime | None) -> int:
    """Judge what the store holds; exit code 1 where a finding is severe or a model would refuse to score."""
    _, models, mapping = load_parts(config)
    with open_reading(config) as reading, reading.engine() as engine:
        at = as_of or reading.scored_at()
        found = audit(engine, audited_store(reading.lake, reading.settings, models, at, mapping))
    refusals = {line.model.id: unmet(line.model, found) for line in models.lines}
    ok = not any(finding.severity == "severe" for finding in found.findings) and not any(refusals.values())
    out.result({"ok": ok, **found.as_dict(), "refused": refusals}, _lines(found, refusals))
    return 0 if ok else SEVERE


def _lines(found: Audit, refusals: dict[str, list[str]]) -> Sequence[str | Text | Table]:
    overall = Text.assemble(
        "data quality ", _grade(found.overall), f" of 100, {found.people:,} people, as of {found.as_of:%d %b %Y}"
    )
    areas = Text("  ").join(Text.assemble(f"{area.name} ", _grade(area.score)) for area in found.areas)
    lines: list[str | Text | Table] = [overall, areas]
    if found.findings:
        lines.append(table(None, ("", "area", "finding", "weakens"), [_row(one) for one in found.findings]))
    lines += [
        Text(f"model {name} would refuse to score: {why}", style="bold red")
        for name, whys in refusals.items()
        for why in whys
    ]
    return lines


def _grade(score: float | None) -> Text:
    if score is None:
        return Text("none", style="dim")
    style = "bold green" if score >= _GOOD else "bold yellow" if score >= _FAIR else "bold red"
    return Text(f"{rounded(score):g}", style=style)


def _row(finding: Finding) -> tuple[object, ...]:
    examples = f"\nsuch as {', '.join(finding.examples)}" if finding.examples else ""
    told = Text.assemble(finding.message, (f"{examples}\ndo: {finding.next_step}", "dim"))
    return (Text(finding.severity, style=STYLES[finding.severity]), finding.area, told, _weakens(finding.weakens))


def _weakens(rules: Sequence[Weakened]) -> str:
    more = len(rules) - _SHOWN
    return "\n".join([*map(str, rules[:_SHOWN]), *([f"and {more} more"] if more > 0 else [])])
