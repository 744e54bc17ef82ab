"""The HubSpot side of the sandbox: routes, authentication, limits, headers."""

import re
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from connector.sandbox.http import ControlCall, Request, Response
from connector.sandbox.hubspot import (
    account,
    associations,
    batching,
    blocklist,
    definitions,
    events,
    forms,
    linking,
    list_members,
    lists,
    marketing_events,
    merging,
    owners,
    purging,
    reading,
    scopes,
    searching,
    sequences,
    writing,
)
from connector.sandbox.hubspot.account import Account, Call
from connector.sandbox.hubspot.drift import change_schema
from connector.sandbox.hubspot.limits import RateLimits
from connector.sandbox.hubspot.objects import object_type, virtual_columns
from connector.sandbox.hubspot.pipelines import pipeline_body, pipelines
from connector.sandbox.hubspot.refusing import REFUSALS, refuse
from connector.sandbox.hubspot.schema import Schema
from connector.sandbox.hubspot.values import check
from connector.sandbox.hubspot.wire import ApiError, HtmlError, html_not_found, html_too_long, json_response
from connector.sandbox.schema_changes import read_schema_change
from connector.sandbox.state import Clock, Switches
from connector.sandbox.storage import Storage

ADDRESS_MAX_CHARACTERS = 16_384
NO_CREDENTIALS = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at"
    " https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
DATED = re.compile(r"^/(crm|events|automation|marketing)/([a-z-]+)/(?:v[34]|20\d\d-\d\d)(?:-beta)?(?=/|$)")
OLD_ASSOCIATIONS = re.compile(r"^/crm/v3/(associations/|objects/[^/]+/[^/]+/associations/[^/]+/?$)")
VERSIONED = re.compile(r"^/(crm|events|automation|marketing)/v[34]/([a-z-]+)(?=/|$)")

Handler = Callable[..., Response]


def list_pipelines(call: Call, object: str) -> Response:  # noqa: A002 - the vendor's own word
    """Answer `GET /crm/v3/pipelines/{object}`."""
    kind = call.subject(object)
    found = pipelines().get(kind.plural)
    return json_response(200, {"results": [pipeline_body(kind.plural, found)] if found else []})


def get_pipeline(call: Call, object: str, id: str) -> Response:  # noqa: A002 - the vendor's own words
    """Answer `GET /crm/v3/pipelines/{object}/{id}`. No recording of the 404."""
    kind = call.subject(object)
    found = pipelines().get(kind.plural)
    if found is None or found.id != id:
        raise ApiError(404, "resource not found")
    return json_response(200, pipeline_body(kind.plural, found))


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "objects/{object}", reading.list_records),
    ("POST", "objects/{object}", writing.create_record),
    ("POST", "objects/{object}/search", searching.search),
    ("POST", "objects/{object}/merge", merging.merge_records),
    ("POST", "objects/{object}/gdpr-delete", purging.purge),
    ("POST", "objects/{object}/batch/read", reading.batch_read),
    ("POST", "objects/{object}/batch/create", batching.batch_create),
    ("POST", "objects/{object}/batch/update", batching.batch_update),
    ("POST", "objects/{object}/batch/upsert", batching.batch_upsert),
    ("POST", "objects/{object}/batch/archive", batching.batch_archive),
    ("GET", "objects/{object}/{id}", reading.get_record),
    ("PATCH", "objects/{object}/{id}", writing.update_record),
    ("DELETE", "objects/{object}/{id}", writing.archive_record),
    ("GET", "objects/{object}/{id}/associations/{to_object}", linking.single_read),
    ("PUT", "objects/{object}/{id}/associations/{to_object}/{to_id}/{name}", linking.put_single),
    ("POST", "associations/{from_object}/{to_object}/batch/read", linking.batch_read),
    ("POST", "associations/{from_object}/{to_object}/batch/create", linking.batch_create),
    ("POST", "associations/{from_object}/{to_object}/batch/associate/default", linking.batch_default),
    ("POST", "associations/{from_object}/{to_object}/batch/archive", linking.batch_archive),
    ("GET", "associations/{from_object}/{to_object}/labels", linking.labels),
    ("GET", "properties/{object}", definitions.list_properties),
    ("POST", "properties/{object}", definitions.create_property),
    ("POST", "properties/{object}/batch/create", definitions.batch_create),
    ("POST", "properties/{object}/batch/read", definitions.batch_read),
    ("GET", "properties/{object}/groups", definitions.list_groups),
    ("POST", "properties/{object}/groups", definitions.create_group),
    ("GET", "properties/{object}/groups/{name}", definitions.get_group),
    ("GET", "properties/{object}/{name}", definitions.get_property),
    ("PATCH", "properties/{object}/{name}", definitions.update_property),
    ("DELETE", "properties/{object}/{name}", definitions.archive_property),
    ("GET", "owners", owners.list_owners),
    ("GET", "owners/{id}", owners.get_owner),
    ("GET", "pipelines/{object}", list_pipelines),
    ("GET", "pipelines/{object}/{id}", get_pipeline),
    ("GET", "events", events.list_events),
    ("GET", "events/event-types", events.list_types),
    ("GET", "event-occurrences", events.list_events),
    ("GET", "event-occurrences/event-types", events.list_types),
    ("GET", "account-info/v3/details", account.details),
    ("GET", "account-info/v3/api-usage/daily/private-apps", account.api_usage),
    ("GET", "lists", lists.get_lists),
    ("POST", "lists", lists.create_list),
    ("POST", "lists/search", lists.search_lists),
    ("GET", "lists/object-type-id/{type_id}/name/{name}", lists.get_by_name),
    ("GET", "lists/records/{type_id}/{record_id}/memberships", list_members.memberships_of_record),
    ("GET", "lists/{id}", lists.get_list),
    ("DELETE", "lists/{id}", lists.delete_list),
    ("PUT", "lists/{id}/restore", lists.restore_list),
    ("PUT", "lists/{id}/update-list-name", lists.rename_list),
    ("GET", "lists/{id}/memberships", list_members.memberships),
    ("GET", "lists/{id}/memberships/join-order", list_members.memberships_in_order),
    ("DELETE", "lists/{id}/memberships", list_members.remove_all),
    ("PUT", "lists/{id}/memberships/add", list_members.add),
    ("PUT", "lists/{id}/memberships/remove", list_members.remove),
    ("PUT", "lists/{id}/memberships/add-and-remove", list_members.add_and_remove),
    ("PUT", "lists/{id}/memberships/add-from/{source_id}", list_members.add_from),
    ("GET", "marketing-events", marketing_events.list_events),
    ("GET", "marketing-events/participations/{id}", marketing_events.get_counters),
    ("GET", "marketing-events/participations/{id}/breakdown", marketing_events.list_participations),
    ("GET", "marketing-events/{id}", marketing_events.get_event),
    ("GET", "forms", forms.list_forms),
    ("GET", "forms/{id}", forms.get_form),
    ("GET", "form-integrations/v1/submissions/forms/{guid}", forms.list_submissions),
    ("GET", "sequences", sequences.list_sequences),
    ("POST", "sequences/enrollments", sequences.enroll),
    ("GET", "sequences/enrollments/contact/{contact_id}", sequences.enrollment_of),
    ("GET", "sequences/{id}", sequences.get_sequence),
    ("GET", "oauth/v1/access-tokens/{token}", scopes.access_token_info),
    ("POST", "oauth/v2/private-apps/get/access-token-info", scopes.private_app_info),
)


@cache
def routes() -> tuple[tuple[str, re.Pattern[str], Handler], ...]:
    """Compile the routes; more exact ones come first."""
    return tuple((method, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), act) for method, path, act in ROUTES)


def resource(path: str) -> str:
    """Take a path to the form that routes are written in: no version, no slash at either end.

    Version 3's association reads have shapes of their own and are unknown here.
    """
    if OLD_ASSOCIATIONS.match(path):
        return ""
    plain = DATED.sub(r"/\2", path) if DATED.match(path) else VERSIONED.sub(r"/\2", path)
    return plain.strip("/")


def route(method: str, path: str) -> tuple[Handler, Mapping[str, str]]:
    """Find a request's handler; raises HtmlError 404 or ApiError 405.

    A POST to a record's path is an action that is not served, hence unknown.
    """
    wanted, known = resource(path), False
    for allowed, pattern, act in routes():
        found = pattern.fullmatch(wanted)
        if found and allowed == method:
            return act, found.groupdict()
        known = known or (bool(found) and method != "POST")
    if known:
        raise ApiError(405, "HTTP 405 Method Not Allowed")
    raise html_not_found()


class HubSpotApp:
    """Answer as HubSpot's CRM, properties, owners, pipelines, account and events APIs do.

    Versions 3 and 4 and the dated paths lead to the same records. Webhooks are unknown paths. `Object.*` among the
    hidden fields takes the scopes of an object away (403), as a list of granted scopes does by name.
    """

    def __init__(
        self, storage: Storage, clock: Clock, switches: Switches, *, token: str, portal_id: int = 4242424
    ) -> None:
        self.schema = Schema(storage)
        self._account = Account(storage, clock, switches, self.schema, RateLimits(clock, switches), portal_id, token)

    def install(self) -> None:
        """Make the tables and HubSpot's own properties."""
        self.schema.install()
        for part in (associations, blocklist, events, forms, lists, marketing_events, merging, owners, sequences):
            part.install(self._account.storage)

    def set_base_url(self, url: str) -> None:
        """Say under which address the app is served, for links and locations."""
        self._account.base_url = url.rstrip("/")

    def handle(self, request: Request) -> Response:
        """Answer one request, and journal it where it changed nothing."""
        call, correlation = Call(self._account, request), str(uuid.uuid4())
        headers = {"X-HubSpot-Correlation-Id": correlation, "Vary": "origin, accept-encoding", "Server": "cloudflare"}
        try:
            with self._account.storage.lock:  # what is checked first is still so when it is written
                response = self._admitted(call, headers)
        except ApiError as error:
            response = json_response(error.status, {**error.body, "correlationId": correlation}, error.headers)
        except HtmlError as error:
            response = error.response
        if not call.wrote:
            kind = call.kind.plural if call.kind else None
            self._account.storage.log_read(request.method, request.path, response.status, kind)
        return Response(response.status, response.body, {**response.headers, **headers})

    def _admitted(self, call: Call, headers: dict[str, str]) -> Response:
        request = call.request
        if request.path.startswith("/oauth/"):
            act, values = route(request.method, request.path)
            return act(call, **values)  # a token asks about itself: no header, no limit
        if request.headers.get("authorization", "") != f"Bearer {self._account.token}":
            raise ApiError(401, NO_CREDENTIALS, "INVALID_AUTHENTICATION")
        act, values = route(request.method, request.path)
        search, exempt = act is searching.search, request.method == "POST" and act.__module__ == linking.__name__
        reads = request.method == "GET" or request.path.rstrip("/").endswith(("/read", "/search"))
        refuse(self._account.switches, reads=reads, search=search, exempt=exempt)
        self._account.limits.admit(search=search, exempt=exempt)
        headers |= self._account.limits.headers(search=search)
        scopes.require(self._account, scopes.needed_scopes(request.method, resource(request.path)))
        length = len(request.path) + sum(len(k) + len(v) + 2 for k, vs in request.query.items() for v in vs)
        if length > ADDRESS_MAX_CHARACTERS:
            raise html_too_long()
        return act(call, **values)

    def edit(self, actor: str, object: str, id: str, fields: Mapping[str, Any]) -> None:  # noqa: A002 - contract's words
        """Change a record as a person or an automation does; `archived: true` archives it.

        Raises KeyError for an unknown record or property, ValueError for a value that its property does not take.
        """
        kind, storage = object_type(object), self._account.storage
        if kind is None or not reading.lives(self._account, kind, id):
            raise KeyError(id)
        changed = {name: value for name, value in fields.items() if name != "archived"}
        known = self.schema.of(kind.plural).keys() - virtual_columns(kind).keys()
        if unknown := sorted(changed.keys() - known):
            raise KeyError(", ".join(unknown))
        clean, problems = check(self._account.rules(kind), changed, by_person=True)
        if problems:
            raise ValueError("; ".join(problem["message"] for problem in problems))
        with storage.transaction(actor, "POST", "/control/edit") as transaction:
            if clean:
                writing.update(self._account, transaction, kind, id, clean, by_person=True)
            if fields.get("archived"):
                transaction.delete(kind.plural, id)
                associations.unlink_all(transaction.execute, kind.plural, int(id))

    def records(self, object: str) -> list[dict[str, Any]]:  # noqa: A002 - contract's words
        """List an object's records as Storage.dump does; raises KeyError for an unknown object."""
        kind = object_type(object)
        if kind is None and object.lower() != "owners":
            raise KeyError(object)
        return self._account.storage.dump(kind.plural if kind else "owners")

    @property
    def portal_id(self) -> int:
        """Give the account's id."""
        return self._account.portal_id

    def lists_of(self, plural: str, number: str) -> list[tuple[str, str]]:
        """Name the lists that a record is on, each with its processing type in lower case."""
        call = Call(self._account, Request("GET", "/crm/v3/lists", {}, {}, b""))
        found = list_members.lists_of(call, plural, number)
        return [(row["name"], f"{row['processing_type'].lower()} list") for row, _ in found]

    def label_of(self, plural: str, name: str, value: str) -> str:
        """Give an option's label for its value; a value that is no option's as it is."""
        prop = self.schema.of(plural).get(name)
        return next((str(each["label"]) for each in (prop.options if prop else ()) if each["value"] == value), value)

    def controls(self) -> Mapping[str, ControlCall]:
        """Give the control calls of HubSpot alone."""
        account = self._account
        return {
            "event": lambda body: events.make_occurrence(account, body),
            "form": lambda body: forms.make_form(account, body),
            "marketing_event": lambda body: marketing_events.make_event(account, body),
            "participation": lambda body: marketing_events.take_part(account, body),
            "merge": lambda body: merging.merge_as_person(account, body),
            "schema": lambda body: vars(change_schema(account, read_schema_change(body))),
            "sequence": lambda body: sequences.make_sequence(account, body),
            "submission": lambda body: forms.submit_form(account, body),
            "unenroll": lambda body: sequences.end_enrollment(account, body),
        }

    def refusals(self) -> frozenset[str]:
        """Name what the setting `refusals` may count down."""
        return REFUSALS
