"""The command that examines everything: configuration, store and CRM."""

from pathlib import Path

from rich.text import Text

from connector import doctor as checks
from connector.output import Output


def doctor(out: Output, config: Path) -> int:
    """Run the checks and list them."""
    found = checks.examine(config)
    ok = all(check.ok for check in found)
    data = {"ok": ok, "checks": [check.as_dict() for check in found]}
    out.result(data, [_finding(check) for check in found])
    return 0 if ok else 2


def _finding(check: checks.Check) -> Text:
    mark = Text("ok     ", style="green") if check.ok else Text("wrong  ", style="bold red")
    fix = f"\n       do: {check.fix}" if check.fix and check.fix not in check.detail else ""
    return Text.assemble(mark, f"{check.name}: {check.detail}{fix}")
