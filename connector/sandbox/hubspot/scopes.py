"""What a token may do: the scopes that calls need, and how an app asks for those that it has.

Sources: the vendor's list of scopes and the scope requirements on its reference pages. The 403's body is the one of
public reports; the recorded one belongs to an API that is not served.
"""

from collections.abc import Iterable
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.hubspot.account import Account, Call
from connector.sandbox.hubspot.computed import APP_ID
from connector.sandbox.hubspot.definitions import USER_ID
from connector.sandbox.hubspot.objects import OBJECT_TYPES, object_type
from connector.sandbox.hubspot.wire import ApiError, json_response, missing_scopes

ENGAGEMENTS = frozenset({"tasks", "calls", "emails", "meetings", "notes", "communications"})
OTHERS = {
    "owners": ("crm.objects.owners.read", "crm.objects.owners.read"),
    "lists": ("crm.lists.read", "crm.lists.write"),
    "marketing-events": ("crm.objects.marketing_events.read", "crm.objects.marketing_events.write"),
    "forms": ("forms", "forms"),
    "form-integrations": ("forms", "forms"),
    "sequences": ("automation.sequences.read", "automation.sequences.enrollments.write"),
    "events": ("business-intelligence", "business-intelligence"),
    "event-occurrences": ("business-intelligence", "business-intelligence"),
}
EXPIRES_S = 1800

Needed = tuple[str, ...]


def needed_scopes(method: str, path: str) -> list[Needed]:
    """Say what a call to a path without version needs: one scope of every entry; activities go with contacts."""
    area, _, rest = path.partition("/")
    reads = method == "GET" or path.endswith(("/read", "/search"))
    names = rest.split("/")
    if area == "objects":
        kinds = [names[0], *(names[3:4] if names[2:3] == ["associations"] else [])]
        return [object_scopes(name, reads=reads) for name in kinds]
    if area == "associations":
        return [object_scopes(name, reads=reads) for name in names[:2]]
    if area == "properties":
        return [schema_scopes(names[0], reads=reads)]
    if area == "pipelines":
        return [schema_scopes(names[0], reads=True)]
    return [(OTHERS[area][not reads],)] if area in OTHERS else []


def object_scopes(name: str, *, reads: bool) -> Needed:
    """Name what opens an object's records; nothing for an unknown object."""
    kind = object_type(name)
    if kind is None:
        return ()
    if kind.plural == "tickets":
        return ("tickets",)
    plural = "contacts" if kind.plural in ENGAGEMENTS else kind.plural
    return (f"crm.objects.{plural}.{'read' if reads else 'write'}",)


def schema_scopes(name: str, *, reads: bool) -> Needed:
    """Name what opens an object's definitions; whoever reads its records reads these as well."""
    own = object_scopes(name, reads=reads)
    schema = tuple(scope.replace(".objects.", ".schemas.") for scope in own)
    return tuple(dict.fromkeys((*schema, *own))) if reads else schema


def all_scopes() -> list[str]:
    """List every scope that any call of the sandbox needs."""
    objects = [(kind.plural, reads) for kind in OBJECT_TYPES for reads in (True, False)]
    found = [scope for plural, reads in objects for scope in object_scopes(plural, reads=reads)]
    found += [scope for plural, reads in objects for scope in schema_scopes(plural, reads=reads)]
    return sorted({*found, *(scope for pair in OTHERS.values() for scope in pair), "oauth"})


def granted(account: Account) -> list[str]:
    """List the token's scopes."""
    switch = account.switches.granted_scopes
    return all_scopes() if switch is None else sorted(switch)


def require(account: Account, needed: Iterable[Needed]) -> None:
    """Raise ApiError 403 that names the scopes of every entry of which the token has none."""
    if account.switches.granted_scopes is None:
        return
    lacking = [entry for entry in needed if entry and not account.switches.granted_scopes & set(entry)]
    if lacking:
        raise missing_scopes(list(dict.fromkeys(scope for entry in lacking for scope in entry)))


def private_app_info(call: Call) -> Response:
    """Answer `POST /oauth/v2/private-apps/get/access-token-info`. No recording: from the vendor's documentation."""
    require_own(call, str(call.body("tokenKey")["tokenKey"]))
    account = call.account
    told: dict[str, Any] = {"userId": int(USER_ID), "hubId": account.portal_id, "appId": int(APP_ID)}
    return json_response(200, told | {"scopes": granted(account)})


def access_token_info(call: Call, token: str) -> Response:
    """Answer `GET /oauth/v1/access-tokens/{token}`.

    No recording: from the vendor's documentation, which speaks of OAuth tokens alone; the sandbox has one token and
    takes it here too.
    """
    require_own(call, token)
    account = call.account
    whose = {"user": "connector@leadlight.example", "user_id": int(USER_ID), "hub_domain": "leadlight.example"}
    what = {"hub_id": account.portal_id, "app_id": int(APP_ID), "expires_in": EXPIRES_S, "token_type": "access"}
    return json_response(200, {"token": token, **whose, **what, "scopes": granted(account)})


def require_own(call: Call, token: str) -> None:
    """Raise ApiError 404 for a token that nobody handed out. No recording of the body."""
    if token != call.account.token:
        raise ApiError(404, "The access token could not be found.", "OBJECT_NOT_FOUND")
