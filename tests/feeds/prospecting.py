"""A feed of prospects beside a loop: its rows, and whom the CRM has of them."""

from typing import Any

from connector.pipeline import Outcome
from connector.provisioning import provision
from connector.sandbox.server import Crm
from tests.feeds.drops import feed
from tests.loop.loops import CHIEF, Loop

BLOCK = """
vendor = "finder"
key = { email = "email" }
time = "at"

[person]
first_name = "first"
last_name = "last"
company = "company"
title = "title"
opted_out = "opt_out"
"""
WHO = "vera.lind@prospect.example"
EMAIL = {"salesforce": "Email", "hubspot": "email"}
LAST = {"salesforce": "LastName", "hubspot": "lastname"}
MADE: dict[Crm, str] = {"salesforce": "Lead", "hubspot": "contacts"}  # the object that is created
CREATE = {"salesforce": r"/composite/sobjects$", "hubspot": r"/contacts/batch/create$"}


def row(email: str = WHO, **more: object) -> dict[str, object]:
    """Make a row of the feed."""
    named = {"first": "Vera", "last": "Lind", "company": "Prospect AG", "title": CHIEF, "opt_out": ""}
    return {"email": email, "at": "2026-06-29T08:00:00Z", **named, **more}


def begin(loop: Loop) -> None:
    """Add the feed, and make what creating takes."""
    add_feed(loop)
    provision(loop.config)


def add_feed(loop: Loop, block: str = BLOCK) -> None:
    """Add the feed to a configuration."""
    (loop.folder / "finder.toml").write_text(block, encoding="utf-8")
    feed(loop, "finder", use="finder.toml", unknown="create")


def own_mapping(loop: Loop, text: str) -> None:
    """Let the loop use a mapping that differs from the packaged one."""
    (loop.folder / "own.toml").write_text(f'extends = "{loop.crm}"\n{text}', encoding="utf-8")
    before = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(before.replace(f'mapping = "{loop.crm}"', 'mapping = "own.toml"'), encoding="utf-8")


def limit(loop: Loop, **values: int) -> None:
    """Set limits."""
    lines = "".join(f"{name} = {value}\n" for name, value in values.items())
    text = loop.config.read_text(encoding="utf-8").replace("[limits]\n", f"[limits]\n{lines}", 1)
    loop.config.write_text(text, encoding="utf-8")


def people_of(loop: Loop, email: str = WHO) -> list[dict[str, Any]]:
    """List the living people of an address, on every object."""
    rows = [one | {"object": kind} for kind in loop.words.people for one in loop.records(kind)]
    return [one for one in rows if one["fields"].get(EMAIL[loop.crm]) == email]


def typed_in(loop: Loop, email: str = WHO, last: str = "Typed") -> None:
    """Let a rep create somebody: a contact of Salesforce, where a feed would create a lead."""
    if loop.crm == "salesforce":
        body: dict[str, object] = {"LastName": last, "Email": email}
        loop.ask("POST", "/services/data/v62.0/sobjects/Contact", json=body)
    else:
        loop.ask("POST", "/crm/v3/objects/contacts", json={"properties": {"email": email, "lastname": last}})


def delete(loop: Loop, one: dict[str, Any]) -> None:
    """Let a rep delete a person."""
    path = "/services/data/v62.0/sobjects/Lead" if loop.crm == "salesforce" else "/crm/v3/objects/contacts"
    loop.ask("DELETE", f"{path}/{one['id']}")


def created(loop: Loop, after: int = 0) -> list[dict[str, Any]]:
    """List the people whom the connector created since a mark."""
    return [one for one in loop.writes(after) if one["op"] == "create" and one["object"] in loop.words.people]


def synced(loop: Loop, *allowed: str) -> Outcome:
    """Let a minute pass, and sync."""
    loop.advance(60)
    return loop.sync(allowed=allowed)
