"""Give the demo on both CRMs and open its page in a real browser: leads, histogram, no error, no request to anywhere.

Then score a CRM that goes on serving, and open its work queue and the record on top of it in the same way.

    python benchmarks/browser.py            (fails where no Chromium is installed)
    python benchmarks/browser.py --if-present

Nothing of it is mocked: the page is the one that `leadlight demo` writes, read back from the browser's own document.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from benchmarks.browser_records import addresses, list_problems, record_problems, scored
from benchmarks.processes import CRMS, BenchmarkError, Ran, run

PEOPLE = 300
LEADS = 10
BARS = 10
TIMEOUT_S = 120
CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--hide-scrollbars", "--window-size=1280,2000", "--enable-logging=stderr"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # asked for or not, nothing leaves this machine
    "--ignore-certificate-errors",  # the sandbox's authority is its own
)
CONSOLE = re.compile(r"CONSOLE[^\n]*")
REMOTE = re.compile(r"^(https?|wss?|ftp):")
THE_BROWSER_ITSELF = "not an origin"


class Page(HTMLParser):
    """Count what the browser made of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = 0
        self.bars = 0
        self.heading = ""
        self._in_body = False
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Note rows of the table's body, bars and the heading."""
        self._in_body |= tag == "tbody"
        self._in_heading = tag == "h1"
        self.rows += tag == "tr" and self._in_body
        self.bars += tag == "rect"

    def handle_endtag(self, tag: str) -> None:
        """Leave what ends."""
        self._in_body &= tag != "tbody"
        self._in_heading &= tag != "h1"

    def handle_data(self, data: str) -> None:
        """Take the heading's words."""
        if self._in_heading:
            self.heading += data


@dataclass(frozen=True)
class Opened:
    """Hold what a browser gave: its document, its words, the addresses it asked for, the size of the picture."""

    document: str
    console: tuple[str, ...]
    remote: tuple[str, ...]
    picture_bytes: int


def browser() -> str | None:
    """Find a Chromium."""
    return next((found for name in CANDIDATES if (found := shutil.which(name))), None)


def open_page(chromium: str, page: str, picture: Path, folder: Path) -> Opened:
    """Open an address twice: for its document, and for its picture."""
    log = folder / "net.json"
    words = look(chromium, folder / "profile", page, "--dump-dom", f"--log-net-log={log}")
    look(chromium, folder / "profile", page, f"--screenshot={picture}")
    console = tuple(found.group() for found in CONSOLE.finditer(words.stderr))
    size = picture.stat().st_size if picture.is_file() else 0
    return Opened(words.stdout, console, tuple(remote_addresses(log)), size)


def look(chromium: str, profile: Path, page: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run the browser once; raises BenchmarkError where it fails."""
    command = [chromium, *FLAGS, f"--user-data-dir={profile}", *flags, page]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"{chromium} did not end within {TIMEOUT_S} s") from None
    if done.returncode:
        raise BenchmarkError(f"{chromium} ended with {done.returncode}\n{done.stderr[-2000:]}")
    return done


def remote_addresses(log: Path) -> Iterator[str]:
    """Read the addresses that the page asked for from the browser's log of the network."""
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    told = [event.get("params", {}) for event in events]
    asked = {one["url"] for one in told if one.get("initiator", THE_BROWSER_ITSELF) != THE_BROWSER_ITSELF}
    yield from sorted(address for address in asked if REMOTE.match(address))


def problems(opened: Opened) -> Iterator[str]:
    """Say what is not as it must be."""
    page = Page()
    page.feed(opened.document)
    if not page.heading:
        yield "the page has no heading"
    if page.rows != LEADS:
        yield f"the table shows {page.rows} leads, it must show {LEADS}"
    if page.bars != BARS:
        yield f"the histogram has {page.bars} bars, it must have {BARS}"
    yield from disturbances(opened)


def disturbances(opened: Opened) -> Iterator[str]:
    """Say what no page may do: be without a picture, complain, ask for anything."""
    if not opened.picture_bytes:
        yield "the browser made no picture"
    yield from (f"the console says: {line}" for line in opened.console)
    yield from (f"the page asked for {address}" for address in opened.remote)


def give_demo(crm: str, folder: Path) -> Ran:
    """Give the demo into a folder."""
    return run("demo", "--crm", crm, "--people", str(PEOPLE), "--once", "--folder", str(folder / crm))


def demo_problems(chromium: str, crm: str, folder: Path) -> list[str]:
    """Look at the page that the demo writes."""
    page = Path(give_demo(crm, folder).result["report"])
    with tempfile.TemporaryDirectory(prefix="leadlight-chromium-") as scratch:
        return list(problems(open_page(chromium, page.as_uri(), folder / f"{crm}.png", Path(scratch))))


def page_problems(chromium: str, crm: str, folder: Path) -> list[str]:
    """Look at the CRM's own pages: the work queue, and the record on top of it."""
    found = []
    with scored(crm, folder / f"{crm}-scored") as sandbox:
        places = addresses(sandbox, crm, folder)
        for place, judge in zip(places, (list_problems, record_problems), strict=True):
            with tempfile.TemporaryDirectory(prefix="leadlight-chromium-") as scratch:
                opened = open_page(chromium, place.url, place.picture, Path(scratch))
            found += [*judge(opened.document), *disturbances(opened)]
    return found


def main(words: Sequence[str]) -> int:
    """Check both pages; 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--if-present", action="store_true", help="pass where no Chromium is installed")
    parser.add_argument("--keep", type=Path, help="keep pages and pictures in this folder")
    asked = parser.parse_args(words)
    chromium = browser()
    if chromium is None:
        print("browser: no Chromium is installed (apt-get install chromium); the page was not looked at")
        return 0 if asked.if_present else 1
    failed = False
    with tempfile.TemporaryDirectory(prefix="leadlight-browser-") as made:
        for crm in CRMS:
            folder = (asked.keep or Path(made)).resolve()
            folder.mkdir(parents=True, exist_ok=True)
            found = demo_problems(chromium, crm, folder)
            print(f"{crm}: " + ("; ".join(found) or f"{LEADS} leads, {BARS} bars, no error, no request to anywhere"))
            unseen = page_problems(chromium, crm, folder)
            print(f"{crm}: " + ("; ".join(unseen) or "work queue and record page, no error, no request to anywhere"))
            failed |= bool(found or unseen)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except BenchmarkError as error:
        raise SystemExit(f"browser: {error}") from None
