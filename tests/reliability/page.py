"""`make reliability`: run every test that shows a row of the fault matrix, and write docs/reliability.md.

python -m tests.reliability.page          # all of them
python -m tests.reliability.page --new    # those that the page does not name yet; the others keep their results
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.reliability.marks import ROOT, Test, marked
from tests.reliability.matrix import FAULTS, INVARIANTS, Row

PAGE: Path = ROOT / "docs" / "reliability.md"
WORDS = Path(__file__).with_name("promise.md")
ENTRY = re.compile(r"\[(?P<sentence>[^\]|]+)\]\(\.\./(?P<file>tests/[^)]+)\) \((?P<cases>\d+)\)")
ROW = re.compile(r"^\| \*\*(?P<id>[FI]\d+)\*\* \|")


class Counting:
    """Count how the cases of each test ended, also where several processes run them."""

    def __init__(self) -> None:
        self.passed: Counter[Test] = Counter()
        self.failed: Counter[Test] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of one phase of one case."""
        file, _, rest = report.nodeid.partition("::")
        test = Test(file, rest.partition("[")[0])
        if report.failed:
            self.failed[test] += 1
        elif report.when == "call" and report.passed:
            self.passed[test] += 1


def main(words: Sequence[str] | None = None) -> int:
    """Run the tests and write the page; the exit code is 1 where a test failed, and then nothing is written."""
    return renew(PAGE, page, "fault", "make reliability", words)


def renew(
    path: Path, written: Callable[[Mapping[Test, int]], str], mark: str, prog: str, words: Sequence[str] | None
) -> int:
    """Run the tests that carry a mark, or the new ones alone, and write the page of how they ended."""
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument("--new", action="store_true", help="run only tests that the page does not name yet")
    parser.add_argument("-n", default="2", help="processes")
    told = parser.parse_args(words)
    known = results_on(path.read_text(encoding="utf-8")) if told.new and path.exists() else {}
    tests = sorted({test for tests in marked(mark).values() for test in tests})
    wanted = [test for test in tests if test not in known]
    counting = Counting()
    if wanted:
        pytest.main(["-q", "-n", told.n, *(test.node for test in wanted)], plugins=[counting])
    missing = [test.node for test in wanted if not counting.passed[test]]
    if counting.failed or missing:
        print(f"{prog}: not written;", *(test.node for test in counting.failed), *missing, file=sys.stderr)
        return 1
    path.write_text(written({**known, **counting.passed}), encoding="utf-8")
    return 0


def page(passed: Mapping[Test, int]) -> str:
    """Write the page: the promise, the faults, the invariants; passed counts the cases of each test."""
    found = marked()
    return "\n".join(
        [
            WORDS.read_text(encoding="utf-8").rstrip(),
            "",
            "## Faults",
            *table("what goes wrong", "what Leadlight does", FAULTS, found, passed),
            "",
            "## Invariants",
            *table("invariant", "what holds whatever happens", INVARIANTS, found, passed),
            "",
        ]
    )


def table(
    what: str, held: str, rows: Sequence[Row], found: Mapping[str, Sequence[Test]], passed: Mapping[Test, int]
) -> Iterator[str]:
    """Write one table."""
    yield from ("", f"| | {what} | {held} | shown by | result |", "|---|---|---|---|---|")
    for row in rows:
        tests = found.get(row.id, ())
        cases = sum(passed[test] for test in tests)
        result = "does not apply" if row.not_here else f"passed, {cases} cases"
        shown = "<br>".join(f"[{t.sentence}](../{t.file}) ({passed[t]})" for t in tests)
        yield f"| **{row.id}** | {row.what} | {row.held or row.not_here} | {shown or '–'} | {result} |"


def named_by(entry: re.Match[str]) -> Test:
    """Name the test that an entry of the page is about."""
    return Test(entry["file"], f"test_{entry['sentence'].replace(' ', '_')}")


def results_on(text: str) -> dict[Test, int]:
    """Read the results back from a page."""
    return {named_by(entry): int(entry["cases"]) for entry in ENTRY.finditer(text)}


def named_on(text: str) -> dict[str, set[Test]]:
    """Read which tests a page names for each row."""
    found: dict[str, set[Test]] = {}
    for line in text.splitlines():
        if start := ROW.match(line):
            found[start["id"]] = {named_by(entry) for entry in ENTRY.finditer(line)}
    return found


if __name__ == "__main__":
    raise SystemExit(main())
