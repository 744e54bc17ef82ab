"""Worlds as CRM records in a storage of their own, without a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector.sandbox.credentials import made_up
from connector.sandbox.filling import fill, open_vendor
from connector.sandbox.state import Clock, Switches
from connector.sandbox.storage import Storage, quote

HEADER = ",".join(
    (
        *("person_id", "kind", "account_id", "owner_id", "email", "title", "seniority", "opted_out", "created_at"),
        *("converted_at", "company", "industry", "employees", "landing_page", "lots", "newsletter", "seen_at"),
    )
)
PEOPLE = f"""{HEADER}
p1,lead,,,Ana@x.example,CTO,c_level,true,2026-01-02T03:04:05Z,,Größ & Söhne,Software,120,/a,1.5,true,2026-02-03T04:05:06
p2,contact,a1,u2,ben@x.example,,,,2017-06-14T23:59:59Z,,,,,,,,
p3,lead,,q1,ana@X.example,,,,,2026-03-01T00:00:01Z,Velora Labs,Retail,7,/b,2,false,
p4,contact,,zoe@x.example,,,,,2026-01-02T03:04:05Z,,Loose Ends,Media,,,,,
"""
ACCOUNTS = """account_id,name,domain,industry,employees,revenue,type,technologies,owner_id,tier
a1,Acme,acme-corp.example,Manufacturing,5000,1000000.5,customer,AWS;SAP,u1,gold
"""
EVENTS = """event_id,type,occurred_at,person_id,account_id,url,asset,source,value,props,is_bot
e01,call,2026-03-01T10:00:01Z,p1,,,Call: hello,,,,
e02,call,2026-03-01T10:00:02Z,p2,,,,,,,false
e03,call,2026-03-01T10:00:03Z,p2,,,,dialler,,,
e04,meeting,2017-10-01T23:59:59Z,p2,,,Tour,,,,
e05,email_sent,2026-03-01T10:00:05Z,p1,,,Digest,,,,
e06,webinar_registered,2026-03-01T10:00:06Z,p1,,,Basics,,,,
e07,webinar_attended,2026-03-01T10:00:07Z,p1,,,Basics,,,,
e08,webinar_attended,2026-03-01T10:00:08Z,p2,,,Basics,,,,
e09,page_view,2026-03-01T10:00:09Z,p1,,https://www.acme.example/pricing,,,,,
e10,page_view,2026-03-01T10:00:10Z,p1,,https://www.acme.example/,,,,,true
e11,product_usage,2026-03-01T10:00:11Z,,a1,,,,12.5,"{""plan"":""pro""}",
e12,form_submission,2026-03-01T10:00:12Z,p3,,,Contact us,,,,
e13,call,2026-03-01T10:00:13Z,nobody,,,,,,,
e13,call,2026-03-01T10:00:14Z,p1,,,,,,,
"""
OUTCOMES = """kind,occurred_at,person_id,account_id,reason,amount
opportunity_created,2026-03-05T10:00:00Z,p1,,,900
closed_won,2026-04-06T11:12:13Z,p1,,,1000
closed_lost,2026-04-07T11:12:14Z,p2,a1,price,
opportunity_created,2026-03-01T00:00:01Z,p3,,,50
accepted,2026-01-03T00:00:00Z,p1,,,
"""


def write_folder(folder: Path) -> str:
    """Write the canonical tables; returns the folder as a world's name."""
    for name, text in (("people", PEOPLE), ("accounts", ACCOUNTS), ("events", EVENTS), ("outcomes", OUTCOMES)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return str(folder)


@contextmanager
def seeded(crm: str, world: str, *, people: int = 0, seed: int = 7) -> Iterator[Storage]:
    """Fill a storage in memory."""
    clock, switches = Clock(), Switches()
    storage = Storage(":memory:", clock)
    try:
        vendor = open_vendor(crm, storage, clock, switches, made_up(crm, seed), "http://127.0.0.1")
        fill(vendor, storage, clock, world, people=people, seed=seed)
        yield storage
    finally:
        storage.close()


def rows(storage: Storage, statement: str) -> list[tuple[Any, ...]]:
    """Read rows as tuples."""
    return [tuple(row) for row in storage.query(statement)]


def table(storage: Storage, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Read columns of a table in the order of its key, all columns where none are named."""
    picked = ", ".join(map(quote, columns)) or "*"
    return rows(storage, f"SELECT {picked} FROM {quote(name)}")  # noqa: S608 - quoted names


def dumped(storage: Storage, objects: tuple[str, ...]) -> dict[str, list[tuple[Any, ...]]]:
    """Give all rows of some tables."""
    return {name: table(storage, name) for name in objects}
