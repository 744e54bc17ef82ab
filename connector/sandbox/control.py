"""The sandbox's control API: look at the journal, make faults, act as people do, move the clock.

JSON over loopback, never part of the CRM's own paths. Both CRMs have:

| call | meaning |
|---|---|
| `GET /control/journal?after=N` | every request and change, oldest first |
| `GET /control/stats` | counts of requests, reads, writes, commits and faults |
| `GET /control/records?object=X` | the records as the CRM holds them, deleted ones included |
| `POST /control/faults`, `DELETE /control/faults` | which requests go wrong, and how (faults.py) |
| `POST /control/edit` | `{actor, object, id, fields}`: what a person or an automation changes |
| `GET /control/clock`, `POST /control/clock` | `{now}` or `{advance_s}` |
| `GET /control/settings`, `POST /control/settings` | state.py describes each one |

A vendor's app adds its own, each described where it is carried out. Salesforce:

| call | meaning |
|---|---|
| `POST /control/convert` | a lead becomes a contact: `{id, account_id?, contact_id?, opportunity?, ...}` (convert.py) |
| `POST /control/mail` | a mail is logged, with its task: `{person, at?, incoming?, subject?, ...}` (mails.py) |
| `POST /control/mail_state` | `{mail, opened_at?, bounced?}`: what became of a mail (mails.py) |
| `POST /control/merge` | `{object, winner, losers, fields?}` for leads, contacts and accounts (merging.py) |
| `POST /control/org` | person accounts, currencies, record types, switched on for good (org_features.py) |
| `POST /control/person_account` | `{last_name, first_name?, email?, title?}`: somebody new (org_features.py) |
| `POST /control/purge` | `{object, id}` is deleted for good, with what hangs on it (purging.py) |
| `POST /control/undelete` | `{object, id}` out of the recycle bin, with what went along (merging.py) |
| `POST /control/permissions` | `{system?, objects?, fields?}`: the connecting user's rights (right_changes.py) |
| `POST /control/schema` | `{object, field, op, to?, option?}`: a field changes (schema_edits.py) |

HubSpot:

| call | meaning |
|---|---|
| `POST /control/merge` | `{object, winner, losers, actor?, keep_id?}`: the merged record has a new id (merging.py) |
| `POST /control/schema` | `{object, property, op, to?, option?, actor?}`: a property changes (drift.py) |
| `POST /control/event` | `{event_type, id, object?, properties?}`: something happens (events.py) |
| `POST /control/marketing_event` | `{name, event_type?, organizer?, cancelled?}` (marketing_events.py) |
| `POST /control/participation` | `{event, contact, state, duration_s?}` (marketing_events.py) |
| `POST /control/form` | `{name, form_type?}`: a person makes a form (forms.py) |
| `POST /control/submission` | `{form, email, page_url?, values?}`: a visitor submits it (forms.py) |
| `POST /control/sequence` | `{name, user_id?}`: a person makes a sequence (sequences.py) |
| `POST /control/unenroll` | `{contact, actor?}`: a contact leaves its sequence (sequences.py) |

Salesforce's names in the setting `refusals`: TotalRequests, ConcurrentRequests, ConcurrentPerOrgLongTxn and
SERVER_UNAVAILABLE strike requests, UNABLE_TO_LOCK_ROW all rows of a write. HubSpot's: LOCKED (423) and CONFLICT (409)
strike writes, MIGRATING (477), DAILY, SECONDLY and TEN_SECONDLY_ROLLING (429) the calls that they count (refusing.py).
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from connector.sandbox.faults import FaultInjector, FaultsError, parse_faults
from connector.sandbox.http import CrmApp, Request, Response
from connector.sandbox.listener import Delivery, Wait
from connector.sandbox.salesforce.duplicates import read_rules
from connector.sandbox.state import Clock, Switches
from connector.sandbox.storage import Storage
from connector.sandbox.traffic import Traffic

EDITING_ACTORS = ("human", "automation")
COUNT_SETTINGS = ("daily_quota", "rate_per_10s", "retry_after_s", "concurrent_limit")
LAG_SETTINGS = ("search_lag_s", "read_lag_s")
NAME_SETTINGS = ("hidden_fields", "inactive_users", "granted_scopes")
TALLY_SETTINGS = ("refusals", "locked_records")


class ControlError(ValueError):
    """A control request that cannot be followed; `problems` names everything wrong with it."""

    def __init__(self, *problems: str, status: int = 400) -> None:
        super().__init__("\n".join(problems))
        self.problems, self.status = problems, status


@dataclass(frozen=True)
class Control:
    """Answer the control API over the parts that it looks at and moves."""

    app: CrmApp
    storage: Storage
    clock: Clock
    switches: Switches
    faults: FaultInjector
    traffic: Traffic

    def exchange(self, request: Request, wait: Wait) -> Delivery:
        """Answer one control request; mistakes get {"error", "problems"} and change nothing."""
        try:
            return Delivery(json_response(200, self._route(request)(request)))
        except FaultsError as error:
            return Delivery(refusal(400, error.problems))
        except ControlError as error:
            return Delivery(refusal(error.status, error.problems))

    def _route(self, request: Request) -> Callable[[Request], Any]:
        routes: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "/control/journal"): self._journal,
            ("GET", "/control/stats"): self._stats,
            ("GET", "/control/records"): self._records,
            ("GET", "/control/clock"): self._tell_time,
            ("GET", "/control/settings"): self._tell_settings,
            ("POST", "/control/faults"): self._set_faults,
            ("DELETE", "/control/faults"): self._clear_faults,
            ("POST", "/control/edit"): self._edit,
            ("POST", "/control/clock"): self._set_clock,
            ("POST", "/control/settings"): self._set_settings,
        }
        routes |= {("POST", f"/control/{name}"): partial(self._own, name) for name in self.app.controls()}
        key = (request.method, request.path.rstrip("/"))
        if key not in routes:
            known = ", ".join(f"{method} {path}" for method, path in routes)
            raise ControlError(f"{key[0]} {key[1]}: no such call; known are {known}", status=404)
        return routes[key]

    def _journal(self, request: Request) -> list[dict[str, Any]]:
        after = request.first("after", "0") or "0"
        if not after.isdigit():
            raise ControlError(f"after: {after!r} is not a whole number")
        return [journal_entry(row) for row in self.storage.journal(int(after))]

    def _stats(self, request: Request) -> dict[str, Any]:
        return {**self.traffic.figures(), "commits": self.storage.commits, "faults_fired": self.faults.fired}

    def _records(self, request: Request) -> list[dict[str, Any]]:
        name = request.first("object")
        if not name:
            raise ControlError("object: missing, name one as in /control/records?object=Lead")
        try:
            return self.app.records(name)
        except (KeyError, sqlite3.OperationalError) as error:
            raise ControlError(f"object: the CRM has no {name!r}", status=404) from error

    def _tell_time(self, request: Request) -> dict[str, str]:
        return {"now": iso(self.clock.now())}

    def _set_clock(self, request: Request) -> dict[str, str]:
        body = object_body(request, {"now", "advance_s"})
        if len(body) != 1:
            raise ControlError("clock: give now or advance_s, one of them")
        if "advance_s" in body:
            self.clock.advance(number(body["advance_s"], "advance_s", float("-inf")))
        else:
            self.clock.set(utc(body["now"], "now"))
        return self._tell_time(request)

    def _set_faults(self, request: Request) -> dict[str, int]:
        rules = parse_faults(json_body(request))
        self.faults.replace(rules)
        return {"rules": len(rules)}

    def _clear_faults(self, request: Request) -> dict[str, int]:
        self.faults.replace([])
        return {"rules": 0}

    def _edit(self, request: Request) -> dict[str, str]:
        body = object_body(request, {"actor", "object", "id", "fields"})
        actor = body.get("actor", EDITING_ACTORS[0])
        problems = [f"{key}: missing" for key in ("object", "id", "fields") if key not in body]
        if actor not in EDITING_ACTORS:
            problems.append(f"actor: {actor!r} is none of {', '.join(EDITING_ACTORS)}")
        if not isinstance(body.get("fields", {}), dict):
            problems.append("fields: expected an object of field names and values")
        if problems:
            raise ControlError(*problems)
        self._carry_out(actor, str(body["object"]), str(body["id"]), body["fields"])
        return {"object": str(body["object"]), "id": str(body["id"])}

    def _carry_out(self, actor: str, name: str, record_id: str, fields: Mapping[str, Any]) -> None:
        try:
            self.app.edit(actor, name, record_id, fields)
        except (KeyError, sqlite3.OperationalError) as error:
            raise ControlError(
                f"edit: {name} {record_id}: no such object, record or field ({error})", status=404
            ) from error
        except (ValueError, sqlite3.IntegrityError) as error:
            raise ControlError(f"edit: {name} {record_id}: {error}") from error

    def _own(self, name: str, request: Request) -> object:
        body = json_body(request)
        if not isinstance(body, dict):
            raise ControlError("body: expected a JSON object")
        try:
            return self.app.controls()[name](body)
        except (KeyError, sqlite3.OperationalError) as error:
            raise ControlError(f"{name}: no such object, record or field ({error})", status=404) from error
        except (ValueError, sqlite3.IntegrityError) as error:
            raise ControlError(f"{name}: {error}") from error

    def _tell_settings(self, request: Request) -> dict[str, Any]:
        settings = asdict(self.switches)
        return {key: sorted(value) if isinstance(value, frozenset) else value for key, value in settings.items()}

    def _set_settings(self, request: Request) -> dict[str, Any]:
        body = object_body(request, set(asdict(self.switches)))
        read = {key: setting(key, value) for key, value in body.items()}
        known = self.app.refusals()
        if unknown := sorted(set(read.get("refusals", {})) - known):
            problems = (f"refusals.{name}: unknown, expected one of {', '.join(sorted(known))}" for name in unknown)
            raise ControlError(*problems)
        vars(self.switches).update(read)
        return self._tell_settings(request)


def setting(key: str, value: Any) -> Any:  # noqa: ANN401 - each setting has a type of its own
    """Read one setting's value; raises ControlError where it has the wrong type."""
    if key in LAG_SETTINGS:
        return number(value, key, 0.0)
    if key in COUNT_SETTINGS:
        return None if value is None else int(number(value, key, 0))
    if key in NAME_SETTINGS:
        if value is None and key == "granted_scopes":
            return None
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise ControlError(f"{key}: expected a list of names, got {value!r}")
        return frozenset(value)
    if not isinstance(value, dict):
        raise ControlError(f"{key}: expected an object, got {value!r}")
    if key == "row_locks" and value:
        if set(value) != {"hold_s"}:
            raise ControlError('row_locks: expected {} or {"hold_s": seconds}')
        return {"hold_s": number(value["hold_s"], "row_locks.hold_s", 0.0)}
    if key == "duplicate_rules":
        return checked_rules(value)
    if key in TALLY_SETTINGS:
        return {str(name): int(number(count, f"{key}.{name}", 0)) for name, count in value.items()}
    return value


def checked_rules(value: Mapping[str, Any]) -> dict[str, Any]:
    """Check Salesforce's duplicate rules; raises ControlError."""
    try:
        return read_rules(value)
    except ValueError as error:
        raise ControlError(*str(error).split("; ")) from error


def number(value: object, key: str, least: float) -> float:
    """Read a number not below a limit; raises ControlError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < float("inf"):
        raise ControlError(f"{key}: {value!r} is not a number from {least}")
    return value


def utc(value: object, key: str) -> datetime:
    """Read an ISO 8601 time, UTC where it names no zone; raises ControlError."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ControlError(f"{key}: {value!r} is not an ISO 8601 time such as 2026-07-01T12:00:00Z") from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def iso(time: datetime) -> str:
    """Write a time in UTC with milliseconds and Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def journal_entry(row: sqlite3.Row) -> dict[str, Any]:
    """Show one journal row: parsed before and after, time as ISO 8601."""
    entry = dict(row)
    at = datetime.fromtimestamp(row["at"] / 1000, tz=UTC)
    return {**entry, "at": iso(at), "before": json.loads(row["before"]), "after": json.loads(row["after"])}


def json_body(request: Request) -> Any:  # noqa: ANN401 - whatever was sent
    """Parse a control request's body; raises ControlError."""
    try:
        return request.json()
    except ValueError as error:
        raise ControlError(f"body: not JSON ({error})") from error


def object_body(request: Request, known: set[str]) -> dict[str, Any]:
    """Parse a body that must be an object with known keys; raises ControlError."""
    body = json_body(request)
    if not isinstance(body, dict):
        raise ControlError("body: expected a JSON object")
    if unknown := sorted(set(body) - known):
        raise ControlError(*(f"{key}: unknown key, expected one of {', '.join(sorted(known))}" for key in unknown))
    return body


def json_response(status: int, content: object) -> Response:
    """Make a JSON answer."""
    return Response(status, json.dumps(content, default=str).encode(), {"Content-Type": "application/json"})


def refusal(status: int, problems: tuple[str, ...]) -> Response:
    """Make the answer to a mistaken control request."""
    return json_response(status, {"error": "; ".join(problems), "problems": list(problems)})
