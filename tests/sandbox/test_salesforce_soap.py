"""SOAP login, as the best-known client library asks for it, and as Salesforce was recorded to answer."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from connector.sandbox.server import RunningSandbox, SandboxOptions, start
from tests.sandbox.salesforce_org import OrgInMemory
from tests.sandbox.salesforce_recordings import FOLDER, interactions

RECORDED = "SalesforcePy/tests/fixtures/soap_login_response_{}.xml"
LOGIN = (
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>'
    '<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{}</n1:username><n1:password>{}</n1:password>'
    "</n1:login></env:Body></env:Envelope>"
)
NAME, PASSWORD = "connector@sandbox.invalid", "password"


class Here(HTTPAdapter):
    """Send what is meant for Salesforce's login host to the sandbox."""

    def __init__(self, base: str) -> None:
        self._base = base
        super().__init__()

    def send(self, request: requests.PreparedRequest, **kwargs: object) -> requests.Response:  # type: ignore[override]  # all that a session passes on
        parts = urlsplit(str(request.url))
        request.url = self._base + parts.path
        return super().send(request, **kwargs)  # type: ignore[arg-type]  # as above


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with start(SandboxOptions("salesforce", people=0)) as running:
        yield running


@pytest.fixture
def log_in(sandbox: RunningSandbox) -> Callable[[str], Salesforce]:
    """Log in with the sandbox's user and a password."""

    def done(password: str) -> Salesforce:
        session = requests.Session()
        session.verify, session.trust_env = sandbox.ready["ca_file"], False
        session.mount("https://login.salesforce.com/", Here(sandbox.ready["url"]))
        told = {"username": sandbox.ready["username"], "password": password, "security_token": "Tkn0"}
        return Salesforce(**told, session=session)

    return done


def test_a_client_logs_in_by_name_and_password(sandbox: RunningSandbox, log_in: Callable[[str], Salesforce]) -> None:
    crm = log_in(sandbox.ready["password"])
    assert crm.query("SELECT COUNT() FROM Lead")["totalSize"] == 0


def test_a_wrong_password_is_told_apart(log_in: Callable[[str], Salesforce]) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        log_in("wrong")
    assert refused.value.code == "INVALID_LOGIN"


def shape(text: str) -> list[str]:
    """List the elements of a document in order, with their namespaces' kind out of the way, and those that are nil."""
    root = ElementTree.fromstring(text.encode())  # noqa: S314 - a recording, and our own
    nil = "{http://www.w3.org/2001/XMLSchema-instance}nil"
    return [node.tag.partition("}")[2] + (" nil" if node.get(nil) else "") for node in root.iter()]


def ask(org: OrgInMemory, password: str, path: str = "/services/Soap/c/37.0") -> tuple[int, str]:
    response = org.send("POST", path, LOGIN.format(NAME, password).encode())
    return response.status, response.body.decode()


@pytest.mark.skipif(not FOLDER.exists(), reason=f"recordings are not at {FOLDER}")
def test_answers_are_as_recorded() -> None:
    org = OrgInMemory()
    status, body = ask(org, PASSWORD)
    assert (status, shape(body)) == (200, shape(interactions(RECORDED.format(200))[0].body))
    assert "urn:enterprise.soap.sforce.com" in body
    status, body = ask(org, "wrong")
    recorded = interactions(RECORDED.format(500))[0].body
    assert (status, shape(body)) == (500, shape(recorded))
    texts = [list(ElementTree.fromstring(each.encode()).itertext()) for each in (body, recorded)]  # noqa: S314 - as above
    assert texts[0] == texts[1]


@pytest.mark.parametrize("body", ["", "<a", "<a/>", '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "x" * 200_000])
def test_what_is_no_login_is_refused(body: str) -> None:
    response = OrgInMemory().send("POST", "/services/Soap/u/59.0", body.encode())
    assert response.status == 500
    assert b"<sf:exceptionCode>UNKNOWN_EXCEPTION</sf:exceptionCode>" in response.body


def test_newer_versions_have_no_login() -> None:
    status, body = ask(OrgInMemory(), PASSWORD, "/services/Soap/u/65.0")
    assert (status, "UNSUPPORTED_API_VERSION" in body) == (500, True)
