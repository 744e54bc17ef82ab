"""Answer Salesforce's REST paths over a storage.

No recording of the daily limit's and the 414's bodies: from the vendor's documentation and public reports.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from connector.sandbox.http import ControlCall, Request, Response
from connector.sandbox.salesforce import (
    auth,
    bulk_ingest,
    bulk_jobs,
    bulk_query,
    campaigns,
    cascades,
    describe,
    purging,
    replication,
    soap,
    sobject_collections,
    sobjects,
    tooling,
)
from connector.sandbox.salesforce import query as queries
from connector.sandbox.salesforce.catalog import Catalog
from connector.sandbox.salesforce.composite import composite
from connector.sandbox.salesforce.convert import convert
from connector.sandbox.salesforce.errors import CrmError, not_found
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.locks import Claims, RowLocks
from connector.sandbox.salesforce.mails import mail, mail_state
from connector.sandbox.salesforce.merging import merge, undelete
from connector.sandbox.salesforce.objects import FieldSpec, stored
from connector.sandbox.salesforce.org import Call, Credentials, Org, Usage
from connector.sandbox.salesforce.org_features import org_features, person_account
from connector.sandbox.salesforce.profiles import grant_to_profiles, install_profiles
from connector.sandbox.salesforce.refusing import REFUSALS, limit_exceeded, refuse
from connector.sandbox.salesforce.right_changes import change_rights
from connector.sandbox.salesforce.schema_edits import change_schema
from connector.sandbox.salesforce.system_rows import ACTOR_IDS, install_rows
from connector.sandbox.salesforce.tracking import track
from connector.sandbox.state import Clock, Switches
from connector.sandbox.storage import Storage

VERSIONS = range(50, 67)
SEASONS = ("Winter", "Spring", "Summer")
MAX_URI = 16_384
RESOURCES = ("sobjects", "query", "queryAll", "limits", "composite", "jobs", "tooling")

Handler = Callable[..., Response]


class SalesforceApp:
    """Answer as one org does; url is what logins say the instance is."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        switches: Switches,
        credentials: Credentials,
        url: str = "https://127.0.0.1",
    ) -> None:
        catalog = Catalog(storage, switches, ACTOR_IDS, credentials.user_id)
        self._org = Org(storage, clock, switches, credentials, catalog, Usage(clock), RowLocks(clock, switches), url)
        self._cursors = queries.Cursors()
        self._routes = self._make_routes()
        self.install()

    def install(self) -> None:
        """Make the tables and the org's first rows; what is there stays."""
        self._org.catalog.install()
        bulk_jobs.install(self._org)
        cascades.install(self._org)
        purging.install(self._org)
        campaigns.install(self._org)
        install_rows(self._org)
        install_profiles(self._org)

    def set_base_url(self, url: str) -> None:
        """Say where the org is reached."""
        self._org.instance_url = url

    def add_custom_field(self, object: str, spec: FieldSpec) -> None:  # noqa: A002 - the vendor's own word
        """Add a custom field that is visible at once; raises KeyError for an unknown object."""
        label = spec.label or spec.name.removesuffix("__c").replace("_", " ")
        access = "cud" if spec.type == "boolean" and spec.access == "cun" else spec.access
        filterable = spec.filterable and not spec.is_long_text
        made = replace(spec, label=label, access=access, filterable=filterable)
        self._org.catalog.add_field(object, made, record_id("CustomField", 0))
        grant_to_profiles(self._org.storage, self._org.catalog.objects[object], [made])

    def handle(self, request: Request) -> Response:
        """Answer one request of the CRM's own paths."""
        matched = re.match(r"/services/data/v(\d+\.\d)(?=/|$)", request.path)
        arrival = self._org.locks.arrive()
        call = Call(request, matched[1] if matched else "0.0", Claims(self._org.locks, self._org.switches, arrival))
        try:
            response = self._answer(request, call, matched.end() if matched else None)
        except CrmError as error:
            response = call.answer(error.body(), error.status, error.headers)
        finally:
            self._org.locks.leave(arrival)
        if matched:
            usage = f"api-usage={self._org.usage.used()}/{self._org.daily_limit()}"
            response = replace(response, headers={"Sforce-Limit-Info": usage, **response.headers})
        if not call.wrote:
            self._org.storage.log_read(request.method, request.path, response.status, call.object)
        return response

    def edit(self, actor: str, object: str, id: str, fields: Mapping[str, Any]) -> None:  # noqa: A002 - contract's words
        """Do what a person or an automation does in the CRM; raises KeyError for an unknown record or field.

        No rule of the API is checked. `IsDeleted: true` deletes, with what hangs on the record.
        """
        spec = self._org.catalog.objects[object]
        deletes = bool(fields.get("IsDeleted"))
        values = {name: stored(value) for name, value in fields.items() if name != "IsDeleted"}
        unknown = [name for name in values if name not in spec.fields or spec.fields[name].column is None]
        if unknown:
            raise KeyError(unknown[0])
        with self._org.storage.transaction(actor, "POST", "/control/edit") as transaction:
            track(self._org, spec, id, self._org.storage.get(object, id) or {"_id": id}, values, actor)
            transaction.update(object, id, values)
            if deletes:
                cascades.delete(self._org, transaction, object, id)

    def records(self, object: str) -> list[dict[str, Any]]:  # noqa: A002 - contract's words
        """List an object's records with the vendor's field names, deleted ones included; empty for an unknown one."""
        return self._org.storage.dump(object) if object in self._org.catalog.objects else []

    def controls(self) -> Mapping[str, ControlCall]:
        """Give the control calls of Salesforce alone; each is described where it is carried out."""
        org = self._org
        return {
            "convert": lambda body: convert(org, body),
            "mail": lambda body: mail(org, body),
            "mail_state": lambda body: mail_state(org, body),
            "merge": lambda body: merge(org, body),
            "org": lambda body: org_features(org, body),
            "person_account": lambda body: person_account(org, body),
            "purge": lambda body: purging.purge(org, body),
            "undelete": lambda body: undelete(org, body),
            "permissions": lambda body: change_rights(org, body),
            "schema": lambda body: change_schema(org, body),
        }

    def refusals(self) -> frozenset[str]:
        """Name what the setting `refusals` may count down."""
        return REFUSALS

    def _answer(self, request: Request, call: Call, version_end: int | None) -> Response:
        if len(request.path) + len(urlencode(request.query, doseq=True)) > MAX_URI:
            body = b"<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>"
            return Response(414, body, {"Content-Type": "text/html;charset=iso-8859-1"})
        path = request.path.rstrip("/")
        if version_end is None:
            return self._outside(request, call, path)
        auth.require_session(self._org, request)
        if int(call.version.split(".")[0]) not in VERSIONS:
            raise not_found()
        limit = self._org.switches.daily_quota
        if limit != 0 and self._org.usage.used() >= self._org.daily_limit():
            raise limit_exceeded("TotalRequests")
        refuse(self._org.switches, self._org.locks)
        self._org.usage.add()
        if not self._org.view.rights.has("ApiEnabled"):
            raise CrmError("API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.", None, 403)
        return self._route(request, call, path[version_end:])

    def _outside(self, request: Request, call: Call, path: str) -> Response:
        if path == "/services/oauth2/token" and request.method == "POST":
            return auth.token(self._org, request)
        if path == "/services/oauth2/userinfo":
            auth.require_session(self._org, request)
            return auth.userinfo(self._org, call)
        if request.method == "POST" and (matched := soap.PATH.fullmatch(path)):
            return soap.login(self._org, request, matched[1], matched[2])
        if path == "/services/data" and request.method == "GET":
            return call.answer([version_entry(number) for number in VERSIONS])
        raise not_found()

    def _route(self, request: Request, call: Call, path: str) -> Response:
        methods = set()
        for method, pattern, handler in self._routes:
            matched = pattern.fullmatch(path)
            if matched and method == request.method:
                return handler(self._org, call, *matched.groups())
            if matched:
                methods.add(method)
        if methods:
            message = f"HTTP Method '{request.method}' not allowed. Allowed are {','.join(sorted(methods))}"
            raise CrmError("METHOD_NOT_ALLOWED", message, None, 405)
        raise not_found()

    def _make_routes(self) -> list[tuple[str, re.Pattern[str], Handler]]:
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "", resources),
            ("GET", "/query", self._query),
            ("GET", "/queryAll", self._query_all),
            ("GET", "/query/([^/]+)", self._query_more),
            ("POST", "/composite", lambda org, call: composite(org, call, self._route)),
            *RECORD_ROUTES,
            *BULK_ROUTES,
        ]
        return [(method, re.compile(pattern, re.IGNORECASE), handler) for method, pattern, handler in routes]

    def _query(self, org: Org, call: Call) -> Response:
        return queries.query(org, call, self._cursors, include_deleted=False)

    def _query_all(self, org: Org, call: Call) -> Response:
        return queries.query(org, call, self._cursors, include_deleted=True)

    def _query_more(self, org: Org, call: Call, locator: str) -> Response:
        return queries.query_more(org, call, self._cursors, locator)


def resources(_org: Org, call: Call) -> Response:
    """Answer the paths of a version."""
    return call.answer({name: f"{call.base}/{name}" for name in RESOURCES})


def version_entry(number: int) -> dict[str, str]:
    """Name an API version: three a year, 50.0 is Winter '21."""
    since = number - 50
    season, year = SEASONS[since % 3], 21 + since // 3
    return {"label": f"{season} '{year}", "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


RECORD_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/limits", replication.limits),
    ("GET", "/limits/recordCount", replication.record_count),
    ("GET", "/sobjects", describe.global_describe),
    ("GET", r"/sobjects/(\w+)", describe.object_info),
    ("POST", r"/sobjects/(\w+)", sobjects.create),
    ("GET", r"/sobjects/(\w+)/describe", describe.object_describe),
    ("GET", r"/sobjects/(\w+)/updated", replication.updated),
    ("GET", r"/sobjects/(\w+)/deleted", replication.deleted),
    ("GET", r"/sobjects/(\w+)/(\w+)", sobjects.retrieve),
    ("PATCH", r"/sobjects/(\w+)/(\w+)", sobjects.update),
    ("DELETE", r"/sobjects/(\w+)/(\w+)", sobjects.delete),
    ("GET", r"/sobjects/(\w+)/(\w+)/(.+)", sobjects.retrieve_by_key),
    ("PATCH", r"/sobjects/(\w+)/(\w+)/(.+)", sobjects.upsert),
    ("POST", "/composite/sobjects", sobject_collections.write),
    ("PATCH", "/composite/sobjects", sobject_collections.write),
    ("DELETE", "/composite/sobjects", sobject_collections.delete),
    ("PATCH", r"/composite/sobjects/(\w+)/(\w+)", sobject_collections.upsert),
    ("POST", "/tooling/sobjects/CustomField", tooling.create_field),
]
BULK_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/jobs/query", lambda org, call: bulk_jobs.listed(org, call, "query")),
    ("POST", "/jobs/query", bulk_query.create),
    ("GET", r"/jobs/query/(\w+)", bulk_query.poll),
    ("PATCH", r"/jobs/query/(\w+)", bulk_query.change),
    ("DELETE", r"/jobs/query/(\w+)", lambda org, _call, job_id: bulk_jobs.delete(org, "query", job_id)),
    ("GET", r"/jobs/query/(\w+)/results", bulk_query.results),
    ("GET", "/jobs/ingest", lambda org, call: bulk_jobs.listed(org, call, "ingest")),
    ("POST", "/jobs/ingest", bulk_ingest.create),
    ("GET", r"/jobs/ingest/(\w+)", bulk_ingest.poll),
    ("PATCH", r"/jobs/ingest/(\w+)", bulk_ingest.change),
    ("DELETE", r"/jobs/ingest/(\w+)", lambda org, _call, job_id: bulk_jobs.delete(org, "ingest", job_id)),
    ("PUT", r"/jobs/ingest/(\w+)/batches", bulk_ingest.upload),
    ("GET", r"/jobs/ingest/(\w+)/(successfulResults|failedResults|unprocessedrecords)", bulk_ingest.results),
]
