"""A HubSpot loop for tests of activity: what happens in the portal, and what the store and the scores make of it."""

from typing import Any

from connector.reading import open_reading
from tests.loop.loops import Loop

TYPE_IDS = {  # of the association to contacts
    "notes": 202,
    "tasks": 204,
    "calls": 194,
    "emails": 198,
    "meetings": 200,
    "communications": 81,
    "leads": 578,
    "deals": 3,
}


def events(loop: Loop, *types: str) -> list[dict[str, Any]]:
    """Read the events of some types out of the store, oldest first; at_us is their time."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation("events")
        found = engine.execute(
            f"""SELECT * EXCLUDE (occurred_at), epoch_us(occurred_at) AS at_us FROM {relation}
                WHERE list_contains(?, type) ORDER BY at_us, event_id""",  # noqa: S608 - our own files
            [list(types)],
        )
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def score(loop: Loop, who: str) -> float:
    """Give the score that stands in the CRM."""
    return float(loop.people()[who]["fields"]["leadlight_score"] or 0)


def form(loop: Loop, name: str) -> str:
    """Make a form as a person does."""
    return str(loop.control("form", {"name": name})["id"])


def submit(loop: Loop, guid: str, email: str) -> None:
    """Submit a form as a visitor does, and let a minute pass."""
    loop.control("submission", {"form": guid, "email": email, "page_url": "https://acme.example/demo"})
    loop.advance(60)


def asked(loop: Loop, mark: int, path: str) -> int:
    """Count the requests to a path since a mark."""
    return sum(1 for row in loop.journal(mark) if path in row["path"])


def add(loop: Loop, plural: str, who: str, **properties: str) -> str:
    """Make a record that hangs on somebody, as another app does; gives its id."""
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TYPE_IDS[plural]}]
    body = {"properties": properties, "associations": [{"to": {"id": loop.people()[who]["id"]}, "types": types}]}
    return str(loop.ask("POST", f"/crm/v3/objects/{plural}", json=body)["id"])


def scopes_without(loop: Loop, *names: str) -> None:
    """Take scopes away from the token."""
    body = {"tokenKey": loop.ready["token"]}
    every = loop.ask("POST", "/oauth/v2/private-apps/get/access-token-info", json=body)["scopes"]
    loop.control("settings", {"granted_scopes": [one for one in every if one not in names]})
