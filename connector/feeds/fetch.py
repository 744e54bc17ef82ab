"""Ask an address for rows: with a token, page by page, only for what is new, and never for more than the limit."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests

from connector.crash import crash_point
from connector.crm.retry import call_with_retry
from connector.errors import LeadlightError, RetryableError
from connector.feeds import spool
from connector.feeds.messages import Refusal, parsed
from connector.job import Job
from connector.settings.feeds import FeedSettings
from connector.store import facts
from connector.store.state import store_errors, transaction

MOST_PAGES: Final = 10_000
_TIMEOUT_S: Final = (10, 60)
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHUNK: Final = 1 << 20
_KINDS: Final = {"text/csv": ".csv", "application/x-ndjson": ".jsonl", "application/jsonl": ".jsonl"}


class FetchRefused(LeadlightError):  # noqa: N818 - named by what it is
    """An address that gives no rows, and will not without a change; the other feeds go on."""


@dataclass(frozen=True)
class Seen:
    """Remember what was seen at an address: what it said of itself, and the sha256 of its pages."""

    etag: str | None = None
    modified: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Page:
    """Hold one answer that is on the disk; next is the address of the page that follows."""

    file: Path
    suffix: str
    sha256: str
    headers: Mapping[str, str]
    next: str | None


def fetch(job: Job, feed: FeedSettings) -> int:
    """Put what is new at the feed's address into the spool; gives how many pages. Raises LeadlightError."""
    name = f"feed {feed.id} {feed.url}"
    seen = Seen(**json.loads(facts.get(job.state, name) or "{}"))
    with _folder(job.folder) as folder, requests.Session() as session:
        pages = list(_pages(session, feed, folder, seen))
        if not pages:
            return 0
        whole = hashlib.sha256("".join(page.sha256 for page in pages).encode()).hexdigest()
        if whole != seen.sha256:
            for page in pages:
                spool.keep(job.folder, feed.id, page.file, page.suffix)
                crash_point("feed: page kept")
    first = pages[0].headers
    now = Seen(first.get("ETag"), first.get("Last-Modified"), whole)
    with transaction(job.state):
        facts.put(job.state, name, json.dumps(vars(now)))
    return 0 if whole == seen.sha256 else len(pages)


def _pages(session: requests.Session, feed: FeedSettings, folder: Path, seen: Seen) -> Iterator[Page]:
    url, visited, left = feed.url, set[str](), feed.max_mb * 1_000_000
    while url is not None:
        if url in visited or len(visited) >= MOST_PAGES:
            raise FetchRefused(f"the pages go in a circle, or there are more than {MOST_PAGES:,}")
        page = call_with_retry(lambda at=url, most=left: _page(session, feed, at, folder, most, seen))  # type: ignore[misc] # mypy knows no defaults of lambdas
        if page is None:
            return
        visited.add(url)
        left -= page.file.stat().st_size
        yield page
        url = page.next


def _page(
    session: requests.Session, feed: FeedSettings, url: str, folder: Path, most_bytes: int, seen: Seen
) -> Page | None:
    """Ask for one page; null where nothing is new."""
    try:
        with session.get(
            url, headers=_headers(feed, seen if url == feed.url else Seen()), timeout=_TIMEOUT_S, stream=True,
            allow_redirects=False,
        ) as answer:  # fmt: skip
            if answer.status_code == requests.codes.not_modified:
                return None
            _refuse_status(answer)
            file, sha256 = _saved(answer, folder, most_bytes)
            headers = answer.headers
            link = answer.links.get("next", {}).get("url")
    except requests.RequestException as error:
        raise RetryableError(f"{_place(url)}: did not answer ({type(error).__name__})") from None
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    suffix = _KINDS.get(kind) or Path(urlsplit(url).path).suffix.lower()
    if suffix not in (".csv", ".jsonl", ".ndjson", ".parquet"):
        link = _as_lines(file, feed) or link
        suffix = ".jsonl"
    return Page(file, suffix, sha256, headers, _same_origin(url, link))


def _headers(feed: FeedSettings, seen: Seen) -> dict[str, str]:
    found = {"Accept": "application/json, application/x-ndjson, text/csv, */*;q=0.1"}
    if feed.token is not None:
        found[feed.token_header] = feed.token_prefix + feed.token.get_secret_value()
    if seen.etag:
        found["If-None-Match"] = seen.etag
    if seen.modified:
        found["If-Modified-Since"] = seen.modified
    return found


def _refuse_status(answer: requests.Response) -> None:
    status, place = answer.status_code, _place(answer.url)
    if status in _PASSING:
        wait = answer.headers.get("Retry-After", "")
        raise RetryableError(f"{place}: answered {status}", retry_after_s=float(wait) if wait.isdigit() else None)
    if 300 <= status < 400:
        raise FetchRefused(f"{place}: moved; set `url` to its new address")
    if status in (401, 403):
        raise FetchRefused(f"{place}: answered {status}; check the token, which may have ended")
    if status != requests.codes.ok:
        raise FetchRefused(f"{place}: answered {status}")


def _saved(answer: requests.Response, folder: Path, most_bytes: int) -> tuple[Path, str]:
    """Write a body to a file, and stop at the limit, whatever its length was said to be."""
    said = answer.headers.get("Content-Length", "")
    if said.isdigit() and int(said) > most_bytes:
        raise FetchRefused(_too_large(answer.url, most_bytes))
    digest, size = hashlib.sha256(), 0
    handle, name = tempfile.mkstemp(dir=folder)
    with store_errors(folder), os.fdopen(handle, "wb") as file:
        for chunk in answer.iter_content(_CHUNK):
            size += len(chunk)
            if size > most_bytes:
                raise FetchRefused(_too_large(answer.url, most_bytes))
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return Path(name), digest.hexdigest()


def _too_large(url: str, most_bytes: int) -> str:
    return f"{_place(url)}: the answer has more than {most_bytes / 1_000_000:,.0f} MB, which is what max_mb leaves"


def _as_lines(file: Path, feed: FeedSettings) -> str | None:
    """Turn a JSON answer into JSON lines; gives the next page's address."""
    body = file.read_bytes()
    try:
        rows = parsed(body, feed.rows) if body.strip() else []
    except Refusal as error:
        raise FetchRefused(f"the answer cannot be read: {error.words.replace('message', 'answer')}") from None
    with store_errors(file), file.open("wb") as lines:
        for row in rows:
            lines.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        lines.flush()
        os.fsync(lines.fileno())
    return _at(json.loads(body), feed.next) if feed.next and body.strip() else None


def _at(found: Any, place: str) -> str | None:  # noqa: ANN401 - any JSON
    for part in place.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, str) and found else None


def _same_origin(url: str, link: str | None) -> str | None:
    """Follow a link where it stays at its host: the token is for nobody else."""
    if not link:
        return None
    to = urljoin(url, link)
    if urlsplit(to)[:2] != urlsplit(url)[:2]:
        raise FetchRefused(f"the next page is at another host than {_place(url)}; the token is not sent there")
    return to


def _place(url: str) -> str:
    """Show an address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


@contextmanager
def _folder(store: Path) -> Iterator[Path]:
    """Give a folder for pages on their way, on the same disk as the spool; what is left in it goes."""
    with store_errors(store), tempfile.TemporaryDirectory(dir=store, prefix=".fetch-") as folder:
        yield Path(folder)
