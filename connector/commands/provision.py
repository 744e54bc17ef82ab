"""The command that makes our fields in the CRM, or writes them as files."""

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from connector import provisioning
from connector.crm.administration import Step
from connector.errors import ConfigError
from connector.output import Output, is_terminal

README = "README.md"
MARKS = {
    "create": ("+ create", "green"),
    "change": ("~ change", "yellow"),
    "grant": ("+ grant", "green"),
    "by hand": ("  by hand", "yellow"),
}


def make(out: Output, config: Path, *, yes: bool) -> None:
    """Show what would be done, and do it after asking."""
    setup = provisioning.prepare(config)
    changes = setup.changes
    if not yes and changes:
        _show(out, [*_plan([*changes, *setup.by_hand]), _counts(setup)])
        if not is_terminal() or not typer.confirm("Go on?", err=True):
            raise ConfigError("nothing was created; pass --yes to create without asking")
    done = provisioning.carry_out(setup)
    shown = [*(changes if yes else ()), *setup.by_hand]
    lines = [*(_plan(shown) if shown else ()), _done(done, changes)]
    out.result(done.as_dict(), lines)


def write(out: Output, config: Path, folder: Path, *, overwrite: bool) -> None:
    """Write what an administrator needs to set the CRM up without this program."""
    written = provisioning.write_files(config, folder, overwrite=overwrite)
    lines = [f"{len(written)} files written to {folder}; begin with {folder / README}."]
    out.result({"folder": str(folder), "files": written}, lines)


def _show(out: Output, lines: Sequence[Table | Text]) -> None:
    """Show the plan to people before they are asked."""
    for line in lines:
        out.people.print(line)


def _plan(steps: Sequence[Step]) -> list[Table | Text]:
    """Lay out what is to be done: a field that several objects get alike is told once."""
    alike: dict[tuple[str, ...], list[Step]] = {}
    for step in steps:
        if step.field is not None:
            alike.setdefault((step.action, step.field.name, step.type, step.field.help), []).append(step)
    fields = [(_mark(same[0]), _field(same)) for same in alike.values()]
    others = [(_mark(step), _other(step)) for step in steps if step.field is None]
    grid = Table.grid(padding=(0, 2, 0, 0))
    for row in (*fields, *others):
        grid.add_row(*row)
    return [grid, Text()]


def _mark(step: Step) -> Text:
    words, style = MARKS[step.action]
    return Text(words, style=style)


def _field(same: Sequence[Step]) -> Text:
    step = same[0]
    if step.field is None:
        return Text(step.target)
    objects = ", ".join(each.field.object for each in same if each.field)
    named = f"\n{step.field.name} on {objects}: {step.type}"
    told = step.detail or step.field.help or step.field.description
    return Text.assemble((step.field.label, "bold"), named, (f"\n{told}", "dim"))


def _other(step: Step) -> Text:
    return Text.assemble(f"{step.kind} ", (step.target, "bold"), f": {step.detail}" if step.detail else "")


def _counts(setup: provisioning.Setup) -> Text:
    kept = sum(step.action == "keep" for step in setup.steps)
    return Text(f"{len(setup.changes)} to do, {kept} as they should be.")


def _done(done: provisioning.Provisioned, changes: Sequence[Step]) -> Text:
    if not changes and not done.created:
        return Text(f"Nothing to do: all {len(done.existing)} fields are there, and the rights to use them.")
    others = sum(step.field is None for step in changes)
    also = f"; {others} other step{'s' if others > 1 else ''} done" if others else ""
    return Text(f"{len(done.created)} fields created, {len(done.existing)} were there{also}.")
