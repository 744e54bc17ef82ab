"""What people and programs see: data on stdout, words on stderr, progress only on a terminal."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # loaded on use: a program that asks for JSON waits for no colours
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table
    from rich.text import Text

SCHEMA = 1
PIPED_WIDTH = 160  # nobody wraps a pipe
BAND_STYLES = ("bold red", "yellow", "blue")


@dataclass(frozen=True)
class Output:
    """Speak to the user: `json_wanted` puts exactly one object on stdout and everything else on stderr."""

    json_wanted: bool = False

    @property
    def people(self) -> "Console":
        """Give the console for words."""
        return _console(stderr=True)

    def result(self, data: Mapping[str, Any], lines: "Sequence[str | Text | Table]" = ()) -> None:
        """Give the command's result: JSON where it is wanted, else the lines."""
        if self.json_wanted:
            sys.stdout.write(json.dumps({"schema": SCHEMA, **data}, ensure_ascii=False, default=str) + "\n")
            sys.stdout.flush()
            return
        console = _console(stderr=False)
        if not console.is_terminal:
            console.width = max(console.width, PIPED_WIDTH)
        for line in lines:
            console.print(line)

    def say(self, line: "str | Text") -> None:
        """Tell people something that is not the result."""
        from rich.text import Text

        self.people.print(line if isinstance(line, Text) else Text(line))

    def problem(self, message: str) -> None:
        """Tell people what is wrong."""
        from rich.text import Text

        self.people.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)

    @contextmanager
    def steps(self) -> Iterator["Steps"]:
        """Show which stage is at work, on a terminal only."""
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        console = self.people
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"))
        with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
            yield Steps(progress)


@dataclass(frozen=True)
class Steps:
    """Advance the progress display."""

    progress: "Progress"

    def begin(self, name: str) -> None:
        """Start a stage."""
        for task in self.progress.tasks:
            self.progress.update(task.id, total=task.completed or 1)
        self.progress.add_task(name, total=None)

    def advance(self, n: int) -> None:
        """Count things done in the present stage."""
        if self.progress.tasks:
            self.progress.advance(self.progress.tasks[-1].id, n)


def _console(*, stderr: bool) -> "Console":
    """Give a console that prints text as it is: a name or a `[table]` in it is no markup, and `:x:` no picture."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def band_text(band: str | None, rank: int) -> "Text":
    """Colour a band by its place in the model."""
    from rich.text import Text

    style = BAND_STYLES[rank] if 0 <= rank < len(BAND_STYLES) else "dim"
    return Text(band or "none", style=style)


def table(title: str | None, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> "Table":
    """Lay out rows; cells are plain text, never markup."""
    from rich.table import Table
    from rich.text import Text

    made = Table(*headings, title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return made


def is_terminal() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin.isatty()
