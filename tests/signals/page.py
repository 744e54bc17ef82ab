"""`make signals`: run every test that shows a named system's signal in a score, and write docs/signals.md.

python -m tests.signals.page          # all of them
python -m tests.signals.page --new    # those that the page does not name yet; the others keep their results
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.reliability.marks import ROOT, Test, marked
from tests.reliability.page import ENTRY, named_by, renew
from tests.signals.systems import SYSTEMS

PAGE: Path = ROOT / "docs" / "signals.md"
WORDS = Path(__file__).with_name("introduction.md")


def main(words: Sequence[str] | None = None) -> int:
    """Run the tests and write the page; the exit code is 1 where a test failed, and then nothing is written."""
    return renew(PAGE, page, "signal", "make signals", words)


def page(passed: Mapping[Test, int]) -> str:
    """Write the page: how signals come, and a row for each system."""
    return "\n".join([WORDS.read_text(encoding="utf-8").rstrip(), *table(passed), ""])


def table(passed: Mapping[Test, int]) -> Iterator[str]:
    """Write the table; passed counts the cases of each test."""
    found = marked("signal")
    yield from ("", "| system | what is read of it | how it comes | shown by | result |", "|---|---|---|---|---|")
    for system in SYSTEMS:
        tests = found.get(system.name, ())
        result = "does not apply" if system.not_here else f"passed, {sum(passed[test] for test in tests)} cases"
        shown = "<br>".join(f"[{test.sentence}](../{test.file}) ({passed[test]})" for test in tests)
        what = f"{system.read or system.not_here} | {system.way or '–'}"
        yield f"| **{system.name}** | {what} | {shown or '–'} | {result} |"


def named_on(text: str) -> dict[str, set[Test]]:
    """Read which tests a page names for each system."""
    rows = (line for line in text.splitlines() if line.startswith("| **"))
    return {row.split("**")[1]: {named_by(entry) for entry in ENTRY.finditer(row)} for row in rows}


if __name__ == "__main__":
    raise SystemExit(main())
