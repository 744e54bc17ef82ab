"""Log in by SOAP: `POST /services/Soap/u/NN.N` (partner) and `/c/` (enterprise), the call login() alone.

Bodies are as recorded, success and INVALID_LOGIN; a client's security token is whatever follows the password. That
login() is gone since version 65 is from the vendor's release notes, the words of its refusal, and those of a body that
is no login, are not from any recording.
"""

import re
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from connector.sandbox.http import Request, Response
from connector.sandbox.salesforce.auth import new_session
from connector.sandbox.salesforce.org import Org

PATH = re.compile(r"/services/Soap/([uc])/(\d+\.\d)(?:/\w*)*")
LAST_VERSION = 64.0
MOST_BYTES = 100_000
KINDS = {"u": "partner", "c": "enterprise"}
XML = {"Content-Type": "text/xml; charset=utf-8"}
NOBODY = "Invalid username, password, security token; or user locked out."
GONE = "The SOAP API login() operation is not supported in this version."
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' {names} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{body}</soapenv:Body>'
    "</soapenv:Envelope>"
)
NIL = ' xsi:nil="true"'


def login(org: Org, request: Request, kind: str, version: str) -> Response:
    """Answer login(); every refusal is a fault with status 500."""
    if float(version) > LAST_VERSION:
        return _fault(kind, "UNSUPPORTED_API_VERSION", GONE)
    given = _credentials(request.body)
    if given is None:
        return _fault(kind, "UNKNOWN_EXCEPTION", "The request is no login")
    username, password = given
    if username != org.credentials.username or not password.startswith(org.credentials.password):
        return _fault(kind, "INVALID_LOGIN", NOBODY)
    body = f"<loginResponse><result>{_result(org, kind, version)}</result></loginResponse>"
    return Response(200, ENVELOPE.format(names=f'xmlns="urn:{KINDS[kind]}.soap.sforce.com"', body=body).encode(), XML)


def _credentials(body: bytes) -> tuple[str, str] | None:
    """Read name and password; null for anything that is no login, a document of entities included."""
    if len(body) > MOST_BYTES or b"<!" in body:
        return None
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - without a DOCTYPE nothing expands, and it is short
    except ElementTree.ParseError:
        return None
    found = next((node for node in root.iter() if node.tag.endswith("}login")), None)
    if found is None:
        return None
    texts = {node.tag.partition("}")[2]: node.text or "" for node in found}
    return texts.get("username", ""), texts.get("password", "")


def _result(org: Org, kind: str, version: str) -> str:
    credentials, base = org.credentials, org.instance_url
    short = credentials.org_id[:15]
    told = {
        "metadataServerUrl": f"{base}/services/Soap/m/{version}/{short}",
        "passwordExpired": "false",
        "sandbox": "false",
        "serverUrl": f"{base}/services/Soap/{kind}/{version}/{short}",
        "sessionId": new_session(org),
        "userId": credentials.user_id,
    }
    return f"{_elements(told)}<userInfo>{_elements(_user_info(org))}</userInfo>"


def _user_info(org: Org) -> dict[str, str | None]:
    user = org.storage.get("User", org.credentials.user_id) or {}
    company = org.storage.get("Organization", org.credentials.org_id) or {}
    currencies = org.storage.query("SELECT IsoCode FROM CurrencyType WHERE IsCorporate = 1")
    people = "IsPersonAccount" in org.catalog.objects["Account"].fields
    return {
        "accessibilityMode": "false",
        "currencySymbol": "$",
        "orgAttachmentFileSizeLimit": "5242880",
        "orgDefaultCurrencyIsoCode": str(currencies[0][0]) if currencies else "USD",
        "orgDisallowHtmlAttachments": "false",
        "orgHasPersonAccounts": str(people).lower(),
        "organizationId": org.credentials.org_id,
        "organizationMultiCurrency": str(bool(currencies)).lower(),
        "organizationName": company.get("Name"),
        "profileId": user.get("ProfileId"),
        "roleId": None,
        "sessionSecondsValid": "7200",
        "userDefaultCurrencyIsoCode": None,
        "userEmail": user.get("Email"),
        "userFullName": " ".join(part for part in (user.get("FirstName"), user.get("LastName")) if part),
        "userId": org.credentials.user_id,
        "userLanguage": user.get("LanguageLocaleKey"),
        "userLocale": user.get("LocaleSidKey"),
        "userName": org.credentials.username,
        "userTimeZone": user.get("TimeZoneSidKey"),
        "userType": "Standard",
        "userUiSkin": "Theme3",
    }


def _elements(told: dict[str, str] | dict[str, str | None]) -> str:
    return "".join(
        f"<{name}{NIL} />" if text is None else f"<{name}>{escape(text)}</{name}>" for name, text in told.items()
    )


def _fault(kind: str, code: str, message: str) -> Response:
    names = f'xmlns:sf="urn:fault.{KINDS[kind]}.soap.sforce.com"'
    detail = (
        f'<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault>"
    )
    body = (
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring>"
        f"<detail>{detail}</detail></soapenv:Fault>"
    )
    return Response(500, ENVELOPE.format(names=names, body=body).encode(), XML)
