"""Why people whom feeds found wait."""

from collections.abc import Collection, Sequence

import duckdb

from connector.prospects.find import Prospect, prospect_key, prospects, terms_of
from connector.prospects.ledger import made
from connector.reading import Reading
from connector.store import erased, outbox
from connector.store.outbox import OutboxRow
from connector.store.state import utc_text


def why_held(engine: duckdb.DuckDBPyConnection, reading: Reading, emails: Collection[str]) -> dict[str, str]:
    """Say of addresses that rows of creating feeds wait for why nobody is created yet, or what is to come.

    Those whom somebody in the CRM has, and those whose rows name a record, are absent.
    """
    terms = terms_of(reading.settings, reading.mapping.creates, erased.load(reading.state))
    if terms is None:
        return {}
    shown = [found for found in prospects(engine, reading.lake, terms) if found.email in emails]
    keys = {prospect_key(reading.mapping.crm, found.email): found for found in shown}
    rows = outbox.by_keys(reading.state, keys)
    there = _there(engine, reading, [row.result_id for row in rows.values() if row.result_id])
    return {found.email: _why(found, rows.get(key), there) for key, found in keys.items()}


def _there(engine: duckdb.DuckDBPyConnection, reading: Reading, ids: Sequence[str]) -> set[str]:
    people = reading.lake.relation("people")
    if people is None or not ids:
        return set()
    query = f"SELECT person_id FROM {people} WHERE list_contains(?::VARCHAR[], person_id)"  # noqa: S608 - a file list of our own making
    return {str(row[0]) for row in engine.execute(query, [list(ids)]).fetchall()}


def _why(found: Prospect, row: OutboxRow | None, there: Collection[str]) -> str:
    if row is None or row.state in outbox.UNSETTLED:
        return found.problem or "to be created by the next sync"
    if row.state == "superseded":
        return f"given up: {row.reason}"
    if row.state == "quarantined":
        until = f"; tried again from {utc_text(row.not_before)}" if row.not_before else ""
        return f"refused by the CRM: {row.reason}{until}"
    told = row.reason if row.reason and not made(row) else f"created as {row.object} {row.result_id}"
    if row.result_id in there:
        return f"{told}: {row.result_id}, which has another address now; the rows wait for this one"
    return f"{told}; the rows land once a pull has seen the record"
