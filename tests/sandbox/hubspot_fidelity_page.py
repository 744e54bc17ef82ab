"""Write docs/fidelity_hubspot.md: which recordings of HubSpot are compared, and why the rest is not.

Run it as `python -m tests.sandbox.hubspot_fidelity_page` after a case was added.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from tests.sandbox.hubspot_cases import CASES
from tests.sandbox.hubspot_left_out import NOT_COMPARED, SENT_ALONE
from tests.sandbox.hubspot_recordings import CASSETTES, all_files, interactions

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "fidelity_hubspot.md"
NAMED = re.compile(r'"([\w/-]+\.(?:yml|json))"')
SERVED = re.compile(r"^/(crm|events|marketing|account-info)/")


def page() -> str:
    """Write the page; the same tests give the same bytes."""
    return "\n".join([*_head(), *_compared(), *_read(), *_left_out(), *_unproved()]) + "\n"


def _head() -> Iterator[str]:
    files = list(all_files())
    told = [one for name in files if name not in NOT_COMPARED for one in interactions(name) if one.path]
    legacy = sum(1 for one in told if not SERVED.match(one.path))
    compared = {case.file for case in CASES}
    yield "# HubSpot: what was held against recordings"
    yield ""
    yield "Written by `python -m tests.sandbox.hubspot_fidelity_page`; a test fails where it is out of date."
    yield ""
    ruby = CASSETTES.replace("-", "/", 1)
    yield (
        f"There are {len(files)} recorded files: VCR cassettes of [{ruby}](https://github.com/{ruby}) and bodies of "
        "[amp-labs/connectors](https://github.com/amp-labs/connectors), both under the MIT licence."
    )
    yield ""
    yield (
        f"{len(CASES)} answers in {len(compared)} files are compared with the sandbox's: status, headers of note, the "
        "keys and JSON types at every depth, the categories and codes of errors. "
        f"{len(SENT_ALONE)} recorded requests are sent and must find what they should. {len(NOT_COMPARED)} files are "
        f"left out, each for the reason below; within the compared files, only {legacy} calls of the vendor's versions "
        "1 and 2, which are not served, are passed over."
    )


def _compared() -> Iterator[str]:
    yield from ("", "## Compared with the sandbox", "", "| recording | answers |", "|---|---|")
    for name, cases in groupby(sorted(CASES, key=lambda case: case.file), key=lambda case: case.file):
        yield f"| {name} | {len(list(cases))} |"
    for name in SENT_ALONE:
        yield f"| {name} | sent |"


def _read() -> Iterator[str]:
    yield from ("", "## Read by the adapter", "")
    yield "Replayed to the adapter through the client library by the tests named `test_hubspot_recorded_*`:"
    yield ""
    yield from (f"- {name}" for name in _named(sorted((ROOT / "tests" / "crm").glob("test_hubspot_recorded_*.py"))))


def _named(tests: Iterable[Path]) -> list[str]:
    """Name the recordings that tests take answers from."""
    known = {name.partition("/")[2].removeprefix("test/"): name for name in all_files()}
    found = {name for test in tests for name in NAMED.findall(test.read_text(encoding="utf-8"))}
    return sorted(known[name] for name in found & known.keys())


def _left_out() -> Iterator[str]:
    yield from ("", "## Left out", "", "| recording | why |", "|---|---|")
    yield from (f"| {name} | {why} |" for name, why in sorted(NOT_COMPARED.items()))


def _unproved() -> Iterator[str]:
    """Name the modules of the sandbox that say which of their answers nobody recorded."""
    yield from (
        "",
        "## Nobody recorded",
        "",
        "What these modules answer is, in part or whole, from the vendor's pages; each says which part:",
        "",
    )
    for path in sorted((ROOT / "connector" / "sandbox" / "hubspot").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if any(words in text for words in ("No recording", "not recorded", "are not: from", "The rest from")):
            yield f"- `{path.name}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
