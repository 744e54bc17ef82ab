"""Requests and answers, and the HTTP session they travel through."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import requests

from connector.crm.salesforce.settings import SalesforceSettings
from connector.errors import RetryableError

JsonValue = Any  # decoded JSON, whose shape each reader checks by using it


@dataclass(frozen=True)
class Request:
    """Ask for one HTTP call; path is relative to the versioned API, or absolute below /services/.

    `write` says how the call is counted, and that a lost answer leaves the outcome unknown.
    """

    method: str
    path: str
    write: bool = False
    params: Mapping[str, str] | None = None
    json: JsonValue = None
    data: bytes | None = None
    headers: Mapping[str, str] | None = None

    def __str__(self) -> str:
        """Name the call without its parameters, which may hold personal data."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """Hold the successful answer to a request; header names ignore case."""

    request: Request
    headers: Mapping[str, str]
    body: bytes


class Refusal(Exception):  # noqa: N818 - an answer, turned into an error of ours at the boundary
    """Carry an answer with a status other than 2xx past the library, which would put its body into a message."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response = response


def json_of(answer: Answer) -> JsonValue:
    """Decode a JSON body; anything else (a gateway's page) is a passing fault."""
    try:
        return json.loads(answer.body)
    except ValueError:
        raise RetryableError(
            f"Salesforce answered {answer.request} with something other than JSON",
            unknown_outcome=answer.request.write,
        ) from None


def user_agent() -> str:
    """Name the product and its version, as Salesforce's event logs show it."""
    try:
        return f"leadlight/{version('leadlight')}"
    except PackageNotFoundError:
        return "leadlight"


class Session(requests.Session):
    """Send with timeouts, without redirects and without what the environment says (proxies, .netrc, CA bundles).

    Every answer is shown to `observe`; one that is not 2xx is raised as Refusal. time_for gives the seconds that a
    request may take, out of at most so many.
    """

    def __init__(
        self,
        settings: SalesforceSettings,
        observe: Callable[[requests.Response], None],
        time_for: Callable[[float], float],
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = str(settings.ca_file) if settings.ca_file else True
        # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/headers_autoassign.htm
        # the default is TRUE: assignment rules would move leads that we only score
        self.headers.update({"Sforce-Auto-Assign": "FALSE", "User-Agent": user_agent()})
        self._timeouts_s = (settings.connect_timeout_s, settings.read_timeout_s)
        self._observe = observe
        self._time_for = time_for

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as the base
        """Send one request; a redirect is not followed, for it would carry the token elsewhere."""
        timeouts_s = tuple(self._time_for(most_s) for most_s in self._timeouts_s)
        kwargs.update(timeout=timeouts_s, allow_redirects=False)
        response = super().send(request, **kwargs)
        self._observe(response)
        if response.status_code >= 300:
            raise Refusal(response)
        return response
