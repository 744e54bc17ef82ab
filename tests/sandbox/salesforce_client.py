"""A served org, the vendor's best-known client library on it, and its control API."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import requests
from simple_salesforce.api import Salesforce

from connector.sandbox.server import RunningSandbox

NO_RULES = {"Sforce-Auto-Assign": "FALSE"}


def client(sandbox: RunningSandbox) -> Any:  # noqa: ANN401 - the library types each object as its bulk handler
    """Open a session with the sandbox's token; its own headers go with every request."""
    session = requests.Session()
    session.verify, session.trust_env = sandbox.ready["ca_file"], False
    session.headers.update(NO_RULES)
    return Salesforce(instance_url=sandbox.ready["url"], session_id=sandbox.ready["token"], session=session)


def control(sandbox: RunningSandbox, call: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """Make a control call and give its answer, or the list of problems of one that is refused."""
    address, data = f"{sandbox.ready['control_url']}/control/{call}", json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data)) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)["problems"]


def journal(sandbox: RunningSandbox, path: str) -> list[dict[str, Any]]:
    """Give the journal's entries of one path."""
    with urllib.request.urlopen(sandbox.ready["control_url"] + "/control/journal") as answer:
        return [entry for entry in json.load(answer) if entry["path"] == path]
