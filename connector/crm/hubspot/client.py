"""HubSpot's endpoints, each named once; the only module that knows the client library.

All paths are v3 and v4, which the library speaks; a transport for the dated paths would replace this module alone.
Of the library only addresses and authentication are used: its retries, pools, timeouts and model objects are not.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import hubspot
import urllib3
from hubspot.discovery.discovery_base import DiscoveryBase

from connector.crm.base import CallCounter
from connector.crm.hubspot.pool import Pool
from connector.crm.hubspot.session import Answer, RawResponse, Request, Session
from connector.crm.hubspot.settings import HubSpotSettings
from connector.crm.pacing import Bucket

Body = Mapping[str, Any]
PAGE, SUBMISSIONS_PAGE, MEMBERS_PAGE, HISTORIES_PAGE = 100, 50, 250, 50


class Client:
    """Call endpoints over one connection pool; every method returns a 2xx answer or raises a connector error."""

    def __init__(self, settings: HubSpotSettings, calls: CallCounter) -> None:
        self.session = Session(calls)
        self._token = settings.access_token
        self._base_url = settings.base_url.rstrip("/")
        self._headers = {
            "Authorization": f"Bearer {settings.access_token}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
        self._pool = Pool(self._base_url)
        self._timeout = (settings.connect_timeout_s, settings.read_timeout_s)
        self._normal = Bucket(settings.rate_per_10s, 10.0)
        self._search = Bucket(settings.search_per_s, 1.0)
        self._list_page, self._events_page = settings.list_page, settings.events_page
        self._connect(settings)

    def _connect(self, settings: HubSpotSettings) -> None:
        """Build each API object once: every property access of the library's client makes a new connection pool."""
        client = hubspot.Client.create(
            access_token=settings.access_token, host=self._base_url, retry=False, api_factory=self._api
        )
        self._basic = client.crm.objects.basic_api
        self._batch = client.crm.objects.batch_api
        self._searches = client.crm.objects.search_api
        self._links = client.crm.associations.v4.batch_api
        self._owners = client.crm.owners.owners_api
        self._properties = client.crm.properties.core_api
        self._property_batch = client.crm.properties.batch_api
        self._property_groups = client.crm.properties.groups_api
        self._events = client.events.events_api
        self._forms = client.marketing.forms.forms_api
        self._marketing_events = client.marketing.events.basic_api
        self._participations = client.marketing.events.retrieve_participant_state_api
        self._lists = client.crm.lists.lists_api
        self._memberships = client.crm.lists.memberships_api

    def _api(self, package: Any, name: str, config: Any) -> Any:  # noqa: ANN401 - the library has no types
        api = DiscoveryBase._default_api_factory(package, name, config)
        api.api_client.rest_client.pool_manager = self._pool
        api.api_client.set_default_header("Accept-Encoding", "gzip")
        return api

    @property
    def _raw(self) -> dict[str, Any]:
        """Say how the library sends: whole answers, and no longer than the run may take."""
        return {"_preload_content": False, "_request_timeout": self._timeouts()}

    def _timeouts(self) -> tuple[float, float]:
        connect_s, read_s = (self.session.calls.time_for(most_s) for most_s in self._timeout)
        return connect_s, read_s

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _send(self, asks: str, bucket: Bucket | None, call: Any, *args: object, **kwargs: object) -> Answer:  # noqa: ANN401 - see _api
        return self.session.send(Request(asks, False, bucket), lambda: call(*args, **kwargs, **self._raw))

    def _write(self, asks: str, bucket: Bucket | None, call: Any, *args: object) -> Answer:  # noqa: ANN401 - see _api
        return self.session.send(Request(asks, True, bucket), lambda: call(*args, **self._raw))

    def list_page(
        self, object_type: str, properties: Sequence[str], associations: Sequence[str], after: str | None
    ) -> Answer:
        """List records by ascending id, with inline associations."""
        # https://developers.hubspot.com/docs/guides/api/crm/using-object-apis
        return self._send(
            f"list of {object_type}",
            self._normal,
            self._basic.get_page,
            object_type,
            limit=self._list_page,
            after=after,
            properties=[",".join(properties)] if properties else None,
            associations=[",".join(associations)] if associations else None,
            archived=False,
        )

    def archived_page(self, object_type: str, after: str | None) -> Answer:
        """List archived records alone; only their ids and dates are of use."""
        # https://developers.hubspot.com/docs/guides/api/crm/using-object-apis
        return self._send(
            f"list of archived {object_type}",
            self._normal,
            self._basic.get_page,
            object_type,
            limit=self._list_page,
            after=after,
            properties=["hs_object_id"],
            archived=True,
        )

    def history_page(self, object_type: str, properties: Sequence[str], after: str | None) -> Answer:
        """List records by ascending id with the versions of properties, 50 a page, the most there are."""
        # https://developers.hubspot.com/docs/guides/api/crm/using-object-apis
        told, call = [",".join(properties)], self._basic.get_page
        return self._send(
            f"histories of {object_type}",
            self._normal,
            call,
            object_type,
            limit=HISTORIES_PAGE,
            after=after,
            properties=["hs_object_id"],
            properties_with_history=told,
            archived=False,
        )

    def search(self, object_type: str, body: Body) -> Answer:
        """Search records; the index lags behind writes."""
        # https://developers.hubspot.com/docs/guides/api/crm/search
        return self._send(f"search of {object_type}", self._search, self._searches.do_search, object_type, body)

    def batch_read(self, object_type: str, body: Body, *, archived: bool = False) -> Answer:
        """Read at most 100 records by id or unique property, or archived ones alone; missing ones make it a 207."""
        # https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/batch/get-contacts
        where = {"archived": True} if archived else {}
        return self._send(f"batch/read of {object_type}", self._normal, self._batch.read, object_type, body, **where)

    def batch_update(self, object_type: str, body: Body) -> Answer:
        """Update at most 100 records with unique ids."""
        # https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/batch/update-contacts
        return self._write(f"batch/update of {object_type}", self._normal, self._batch.update, object_type, body)

    def batch_create(self, object_type: str, body: Body) -> Answer:
        """Create at most 100 records with their associations; sent once, as nothing would keep a second one away."""
        # https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/post-crm-v3-objects-tasks-batch-create
        request = Request(f"batch/create of {object_type}", True, self._normal, once=True)
        return self.session.send(request, lambda: self._batch.create(object_type, body, **self._raw))

    def batch_upsert(self, object_type: str, body: Body) -> Answer:
        """Create or update at most 100 records by a unique property; sent once, as it would undo a person's edit."""
        # https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/batch/post-crm-v3-objects-tasks-batch-upsert
        request = Request(f"batch/upsert of {object_type}", True, self._normal, once=True)
        return self.session.send(request, lambda: self._batch.upsert(object_type, body, **self._raw))

    def read_links(self, from_type: str, to_type: str, body: Body) -> Answer:
        """Read associations of at most 1,000 records; one without any makes it a 207. No 10-s limit."""
        # https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4
        return self._send(
            f"associations of {from_type} to {to_type}", None, self._links.get_page, from_type, to_type, body
        )

    def create_links(self, from_type: str, to_type: str, body: Body) -> Answer:
        """Create at most 2,000 associations; existing ones stay. No 10-s limit."""
        # https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4
        return self._write(
            f"associations of {from_type} to {to_type}", None, self._links.create, from_type, to_type, body
        )

    def owners_page(self, after: str | None, *, archived: bool) -> Answer:
        """List owners, 100 a page."""
        # https://developers.hubspot.com/docs/guides/api/crm/owners
        return self._send(
            "list of owners", self._normal, self._owners.get_page, limit=100, after=after, archived=archived
        )

    def properties(self, object_type: str) -> Answer:
        """List the property definitions of an object."""
        # https://developers.hubspot.com/docs/guides/api/crm/properties
        return self._send(f"properties of {object_type}", self._normal, self._properties.get_all, object_type)

    def create_group(self, object_type: str, body: Body) -> Answer:
        """Create a property group."""
        # https://developers.hubspot.com/docs/guides/api/crm/properties
        return self._write(
            f"property group of {object_type}", self._normal, self._property_groups.create, object_type, body
        )

    def create_properties(self, object_type: str, body: Body) -> Answer:
        """Create properties; existing ones make it a 207."""
        # https://developers.hubspot.com/docs/guides/api/crm/properties
        return self._write(f"properties of {object_type}", self._normal, self._property_batch.create, object_type, body)

    def groups(self, object_type: str) -> Answer:
        """List the property groups of an object."""
        # https://developers.hubspot.com/docs/guides/api/crm/properties
        return self._send(f"property groups of {object_type}", self._normal, self._property_groups.get_all, object_type)

    def update_property(self, object_type: str, name: str, body: Body) -> Answer:
        """Change what a property is called or said to be; its name and type stay."""
        # https://developers.hubspot.com/docs/guides/api/crm/properties
        return self._write(
            f"property {object_type}.{name}", self._normal, self._properties.update, object_type, name, body
        )

    def list_named(self, type_id: str, name: str) -> Answer:
        """Find a list by its name; a name that no list has is refused with 404."""
        # https://developers.hubspot.com/docs/api-reference/crm-lists-v3/guide
        return self._send("list by its name", self._normal, self._lists.get_by_name, name, type_id)

    def create_list(self, body: Body) -> Answer:
        """Create a list."""
        # https://developers.hubspot.com/docs/api-reference/crm-lists-v3/guide
        return self._write("list of whom to call", self._normal, self._lists.create, body)

    def events_page(self, event_type: str, object_type: str, occurred_after: str | None, after: str | None) -> Answer:
        """List event occurrences of one type; HubSpot documents no largest page."""
        # https://developers.hubspot.com/docs/api-reference/legacy/events/retrieve-events/get-events
        return self._send(
            f"{event_type} events of {object_type}s",
            self._normal,
            self._events.get_page,
            event_type=event_type,
            object_type=object_type,
            occurred_after=occurred_after,
            after=after,
            limit=self._events_page,
        )

    def forms_page(self, after: str | None) -> Answer:
        """List the forms of all types."""
        # https://developers.hubspot.com/docs/api-reference/legacy/marketing/forms/v3/get-forms
        types = ["hubspot", "captured", "flow", "blog_comment"]
        return self._send(
            "list of forms", self._normal, self._forms.get_page, limit=PAGE, after=after, form_types=types
        )

    def submissions_page(self, form_id: str, after: str | None) -> Answer:
        """List a form's submissions, newest first, 50 a page, the most there are."""
        # https://developers.hubspot.com/docs/api-reference/legacy/marketing/forms/v1/get-form-integrations-v1-submissions-forms-form_guid
        asked = {"limit": SUBMISSIONS_PAGE} | ({} if after is None else {"after": after})
        path = f"/form-integrations/v1/submissions/forms/{quote(form_id, safe='')}?{urlencode(asked)}"
        return self._plain("form submissions", "GET", path, None)

    def marketing_events_page(self, after: str | None) -> Answer:
        """List marketing events with their counters, 100 a page."""
        # https://developers.hubspot.com/docs/api-reference/legacy/marketing/marketing-events/guide
        return self._send(
            "list of marketing events", self._normal, self._marketing_events.get_all, limit=PAGE, after=after
        )

    def participations_page(self, event_id: str, after: str | None) -> Answer:
        """List the contacts of a marketing event with their states, 100 a page."""
        # https://developers.hubspot.com/docs/api-reference/legacy/marketing/marketing-events/participant-state/get-breakdown-externalId
        call = self._participations.get_participations_breakdown_by_marketing_event_id
        return self._send("participations", self._normal, call, int(event_id), limit=PAGE, after=after)

    def event_types(self) -> Answer:
        """List the names of all event types."""
        # https://developers.hubspot.com/docs/api-reference/legacy/events/retrieve-events/get-event-types
        return self._send("event types", self._normal, self._events.get_types)

    def joined_page(self, list_id: str, after: str | None) -> Answer:
        """List a list's records in the order in which they joined it, 250 a page, the most there are."""
        # https://developers.hubspot.com/docs/api-reference/legacy/crm/lists/memberships/get-memberships-by-added-date
        call = self._memberships.get_page_ordered_by_added_to_list_date
        return self._send("list memberships", self._normal, call, list_id, limit=MEMBERS_PAGE, after=after)

    def list_by_id(self, list_id: str) -> Answer:
        """Read a list by its id."""
        # https://developers.hubspot.com/docs/guides/api/crm/lists/overview
        return self._send("list by id", self._normal, self._lists.get_by_id, list_id)

    def add_to_list(self, list_id: str, ids: Sequence[str]) -> Answer:
        """Put records on a manual list; those on it already stay as they are."""
        # https://developers.hubspot.com/docs/guides/api/crm/lists/overview
        return self._write("list memberships", self._normal, self._memberships.add, list_id, list(ids))

    def enroll(self, user_id: str, body: Body) -> Answer:
        """Enrol a contact in a sequence; sent once, as the caller has to look before it does so again."""
        # https://developers.hubspot.com/docs/guides/api/automation/sequences
        path = f"/automation/v4/sequences/enrollments?{urlencode({'userId': user_id})}"
        return self._plain("sequence enrolment", "POST", path, json.dumps(body), writes=True)

    def enrollment_of(self, contact_id: str) -> Answer:
        """Read which sequence a contact is in; 404 where it is in none."""
        # https://developers.hubspot.com/docs/guides/api/automation/sequences
        path = f"/automation/v4/sequences/enrollments/contact/{quote(contact_id, safe='')}"
        return self._plain("sequence of a contact", "GET", path, None)

    def account(self) -> Answer:
        """Read the portal's id and time zone."""
        # https://developers.hubspot.com/docs/guides/api/settings/account-information-api
        return self._plain("account details", "GET", "/account-info/v3/details", None)

    def token_info(self) -> Answer:
        """Read what the token may do; the body carries the token, as the vendor wants it."""
        # https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview
        body = json.dumps({"tokenKey": self._token})
        return self._plain("scopes of the token", "POST", "/oauth/v2/private-apps/get/access-token-info", body)

    def _plain(self, asks: str, method: str, path: str, body: str | None, *, writes: bool = False) -> Answer:
        """Call what the client library has no method for; a write is sent once."""
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})

        def call() -> RawResponse:
            connect_s, read_s = self._timeouts()
            timeout = urllib3.Timeout(connect=connect_s, read=read_s)
            return self._pool.request(method, f"{self._base_url}{path}", body=body, headers=headers, timeout=timeout)

        return self.session.send(Request(asks, writes, self._normal, once=writes), call)
