"""Answer the addresses of a CRM's pages: what a browser opens, beside the API's own paths.

Looking at a page is no request of the connector: it is not counted, not journaled, and meets no fault.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import jinja2

from connector.sandbox.http import Request, Response
from connector.sandbox.pages import words
from connector.sandbox.pages.view import ListView, RecordView
from connector.sandbox.state import Clock

TEMPLATES = {RecordView: "record.html.j2", ListView: "list.html.j2"}
HTML = "text/html; charset=utf-8"

Find = Callable[[str], RecordView | ListView | None]


@dataclass(frozen=True)
class PageDoor:
    """Show the pages of one CRM."""

    find: Find
    clock: Clock

    def answer(self, request: Request) -> Response | None:
        """Answer a page's address; null where a path is none of a page's."""
        if request.method not in ("GET", "HEAD"):
            return None
        try:
            view = self.find(request.path)
        except KeyError:
            return self._page(404, "missing.html.j2", None)
        return self._page(200, TEMPLATES[type(view)], view) if view else None

    def _page(self, status: int, template: str, view: RecordView | ListView | None) -> Response:
        text = environment().get_template(template).render(view=view, now=self.clock.now())
        return Response(status, text.encode(), {"Content-Type": HTML, "Cache-Control": "no-store", **policy()})


@cache
def environment() -> jinja2.Environment:
    """Make the templates ready: everything a record holds is escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("connector.sandbox.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"ago": words.ago, "due": words.due, "is_overdue": words.is_overdue}
    return made


@cache
def stylesheet() -> str:
    """Read the one stylesheet as it stands inside every page."""
    return environment().get_template("pages.css").render()


@cache
def policy() -> dict[str, str]:
    """Allow a page its own style and links, and nothing else: no script, no request to anywhere."""
    digest = base64.b64encode(hashlib.sha256(stylesheet().encode()).digest()).decode()
    allowed = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return {
        "Content-Security-Policy": f"{allowed}; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
