"""Open the sandbox's own record page and work queue in a browser, after one scoring run over a made-up CRM."""

import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from ssl import create_default_context

from benchmarks.processes import BenchmarkError, Sandbox, configured, run, serving

PEOPLE = 60
AS_OF = "2026-07-01T12:00:00Z"
LISTS = {"salesforce": "/lightning/o/Lead/list", "hubspot": "/contacts/4242424/objects/0-1/views/all/list"}
RECORDS = ("/lightning/r/", "/record/")
SECTIONS = ("Lead score", "Tasks", "Recent activity", "Last changes")


class Shown(HTMLParser):
    """Read the headings, rows and links of a page."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.links: list[str] = []
        self.rows = 0
        self._within = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Note a link, a row or a heading."""
        self.rows += tag == "tr"
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]
        if tag in ("h1", "h2"):
            self._within = tag
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave a heading."""
        self._within = "" if tag == self._within else self._within

    def handle_data(self, data: str) -> None:
        """Take a heading's words."""
        if self._within:
            self.headings[-1] += data


@dataclass(frozen=True)
class Address:
    """Say a page to open, and the file for its picture."""

    url: str
    picture: Path


@contextmanager
def scored(crm: str, folder: Path) -> Iterator[Sandbox]:
    """Serve a CRM whose people have been scored, with tasks for those who became hot."""
    with serving(crm, folder, people=PEOPLE, seed=7) as sandbox:
        config = configured(folder)
        run("sync", "--config", str(config), "--backfill-tasks", "--as-of", AS_OF)
        yield sandbox


def addresses(sandbox: Sandbox, crm: str, pictures: Path) -> tuple[Address, Address]:
    """Give the work queue and the first record on it; raises BenchmarkError where the queue is empty."""
    base = str(sandbox.ready["url"])
    ca_file = sandbox.ready["ca_file"]
    trusted = create_default_context(cafile=ca_file) if ca_file else None
    with urllib.request.urlopen(base + LISTS[crm], context=trusted) as answer:  # noqa: S310 - the sandbox's own address
        links = Shown(answer.read().decode()).links
    first = next((link for link in links if any(part in link for part in RECORDS)), None)
    if first is None:
        raise BenchmarkError(f"{crm}: the work queue is empty")
    return Address(base + LISTS[crm], pictures / f"{crm}-list.png"), Address(
        base + first, pictures / f"{crm}-record.png"
    )


def list_problems(document: str) -> Iterator[str]:
    """Say what a work queue lacks."""
    shown = Shown(document)
    if not shown.headings or shown.rows < 2:
        yield f"the work queue has {max(shown.rows - 1, 0)} rows"


def record_problems(document: str) -> Iterator[str]:
    """Say what a record's page lacks."""
    headings = " ".join(Shown(document).headings)
    yield from (f"the record page has no {name!r}" for name in SECTIONS if name not in headings)
    if 'class="task"' not in document:
        yield "the most urgent record has no open task"
