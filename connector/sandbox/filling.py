"""What fills a sandbox: the vendor to speak as, the world to hold, and the note that says what a file holds already."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connector.sandbox.credentials import MadeUp
from connector.sandbox.http import CrmApp
from connector.sandbox.hubspot.app import HubSpotApp
from connector.sandbox.pages.door import Find
from connector.sandbox.pages.hubspot import HubSpotPages
from connector.sandbox.pages.salesforce import SalesforcePages
from connector.sandbox.salesforce.app import SalesforceApp
from connector.sandbox.salesforce.org import Credentials
from connector.sandbox.seed_hubspot import seed_hubspot
from connector.sandbox.seed_salesforce import seed_salesforce
from connector.sandbox.state import EPOCH_AT, Clock, Switches
from connector.sandbox.storage import Storage
from connector.sandbox.world.demo import demo_world, empty_world
from connector.sandbox.world.rows import World, WorldError
from connector.sandbox.world.tables import open_tables

NOTE = "CREATE TABLE IF NOT EXISTS sandbox_note (name TEXT PRIMARY KEY, value TEXT)"


@dataclass(frozen=True)
class Vendor:
    """A vendor's side: its app, how it takes a world, and what its pages show."""

    crm: str
    app: CrmApp
    seed: Callable[[World], None]
    pages: Find


def open_vendor(crm: str, storage: Storage, clock: Clock, switches: Switches, credentials: MadeUp, url: str) -> Vendor:
    """Make the vendor's tables and app."""
    if crm == "salesforce":
        login = Credentials(
            token=credentials.token,
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            username=credentials.username,
            password=credentials.password,
        )
        org = SalesforceApp(storage, clock, switches, login, url)
        return Vendor(crm, org, lambda world: seed_salesforce(org, storage, world), SalesforcePages(storage).find)
    account = HubSpotApp(storage, clock, switches, token=credentials.token)
    account.install()
    account.set_base_url(url)
    pages = HubSpotPages(storage, account.portal_id, account.lists_of, account.label_of)
    return Vendor(crm, account, lambda world: seed_hubspot(account, storage, world), pages.find)


def fill(vendor: Vendor, storage: Storage, clock: Clock, world: str, *, people: int, seed: int) -> None:
    """Seed a fresh file with a world; a file that was filled before keeps its records, and its clock goes on from them.

    Raises WorldError for a world that cannot be read, a file of another vendor, or one whose filling was cut short.
    """
    storage.execute(NOTE)
    note = dict(map(tuple, storage.query("SELECT name, value FROM sandbox_note")))
    if note.get("crm", vendor.crm) != vendor.crm:
        raise WorldError([f"db: the file holds a {note['crm']} sandbox, not {vendor.crm}; give another file"])
    if note.get("filled") == "yes":
        clock.set(latest_time(storage))
        return
    if "filled" in note:
        raise WorldError(["db: the filling of this file was cut short; delete the file and start again"])
    opened = open_world(world, people, seed)
    write_note(storage, crm=vendor.crm, filled="no", world=json.dumps([world, people, seed]))
    storage.execute("PRAGMA synchronous=OFF")  # a filling that dies is told by the note and is made again
    vendor.seed(opened)
    storage.execute("PRAGMA synchronous=FULL")
    write_note(storage, filled="yes")
    clock.set(EPOCH_AT)  # the world ends now, however long its making took


def write_note(storage: Storage, **facts: str) -> None:
    """Note what the file holds."""
    storage.seed_rows("INSERT OR REPLACE INTO sandbox_note VALUES (?, ?)", facts.items())


def latest_time(storage: Storage) -> datetime:
    """Give the time of the last journaled change or look, or the epoch where there was none."""
    last_ms = storage.query("SELECT MAX(at) AS at FROM journal")[0]["at"] or 0
    return max(EPOCH_AT, datetime.fromtimestamp(last_ms / 1000, tz=UTC))


def open_world(world: str, people: int, seed: int) -> World:
    """Find a world by its word, "demo" or "empty", or by its folder; raises WorldError."""
    if world == "empty":
        return empty_world()
    if world == "demo":
        return demo_world(people, seed)
    return open_tables(Path(world))
