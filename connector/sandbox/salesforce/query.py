"""Queries over REST: pages, locators, child subqueries and aggregates."""

import json
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.sandbox.http import Response
from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.org import Call, Org
from connector.sandbox.salesforce.soql.compiler import MAX_GROUPS, GroupPlan, Plan, Settings, compile_query
from connector.sandbox.salesforce.soql.parser import parse
from connector.sandbox.salesforce.soql.shape import build, group_records
from connector.sandbox.storage import Storage

MAX_CURSORS = 50
MIN_BATCH = 200
ID_LENGTH = 18
TEXT_PAGE_FROM = 100
NO_LIMIT = 1 << 30


@dataclass(frozen=True)
class Cursor:
    """Hold the ids of an answered query, one after the other, and how to read them."""

    plan: Plan
    ids: str
    total: int
    page_size: int


class Cursors:
    """Keep open cursors; the oldest is dropped when there are too many. They do not outlive the process."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Cursor] = OrderedDict()
        self._number = 0

    def open(self, cursor: Cursor) -> str:
        """Keep a cursor and give its locator."""
        self._number += 1
        locator = record_id("QueryLocator", self._number)
        self._open[locator] = cursor
        while len(self._open) > MAX_CURSORS:
            self._open.popitem(last=False)
        return locator

    def get(self, locator: str) -> Cursor:
        """Give a cursor; raises CrmError INVALID_QUERY_LOCATOR for one that is gone."""
        if locator not in self._open:
            raise CrmError("INVALID_QUERY_LOCATOR", "invalid query locator", None)
        return self._open[locator]


def compiled(org: Org, soql: str, *, include_deleted: bool) -> Plan | GroupPlan:
    """Compile a query for what the connecting user sees now."""
    settings = Settings(org.view, org.clock.now(), include_deleted, org.visible_until_ms())
    return compile_query(parse(soql), settings)


def query(org: Org, call: Call, cursors: Cursors, *, include_deleted: bool) -> Response:
    """Answer the first page of a query."""
    soql = call.request.first("q")
    if not soql:
        raise CrmError("MALFORMED_QUERY", "unexpected token: '<EOF>'", None)
    plan = compiled(org, soql, include_deleted=include_deleted)
    call.object = plan.object
    if isinstance(plan, GroupPlan):
        return call.answer(_groups(org.storage, plan))
    ids = [row[0] for row in run(org.storage, plan.ids, plan.binds)]
    size = min(plan.page_size, _batch_size(call))
    cursor = Cursor(plan, "".join(ids), len(ids), size)
    locator = cursors.open(cursor) if len(ids) > size else ""
    return _page(org.storage, call, cursor, locator, 0)


def query_more(org: Org, call: Call, cursors: Cursors, text: str) -> Response:
    """Answer a further page; text is the locator with the number of records before the page."""
    locator, _, start = text.partition("-")
    cursor = cursors.get(locator)
    if not start.isdigit() or not 0 < int(start) < cursor.total:
        raise CrmError("INVALID_QUERY_LOCATOR", "invalid query locator", None)
    call.object = cursor.plan.object
    return _page(org.storage, call, cursor, locator, int(start))


def _batch_size(call: Call) -> int:
    found = re.search(r"batchSize\s*=\s*(\d+)", call.request.headers.get("sforce-query-options", ""), re.IGNORECASE)
    return max(MIN_BATCH, int(found[1])) if found else NO_LIMIT


def run(storage: Storage, statement: str, binds: Sequence[Any]) -> list[sqlite3.Row]:
    """Run a compiled query; raises CrmError QUERY_TOO_COMPLICATED where it is beyond SQLite's limits."""
    try:
        return storage.query(statement, binds)
    except (sqlite3.OperationalError, OverflowError):
        message = "Query is either selecting too many fields or the filter conditions are too complicated."
        raise CrmError("QUERY_TOO_COMPLICATED", message, None) from None


def _page(storage: Storage, call: Call, cursor: Cursor, locator: str, start: int) -> Response:
    end = min(start + cursor.page_size, cursor.total)
    text = cursor.ids[start * ID_LENGTH : end * ID_LENGTH]
    ids = [text[i : i + ID_LENGTH] for i in range(0, len(text), ID_LENGTH)]
    answer: dict[str, Any] = {"totalSize": cursor.total, "done": end >= cursor.total}
    if end < cursor.total:
        answer["nextRecordsUrl"] = f"{call.base}/query/{locator}-{end}"
    plan, base = cursor.plan, f"{call.base}/sobjects/"
    if plan.text_page is None or len(ids) < TEXT_PAGE_FROM:
        return call.answer({**answer, "records": read_records(storage, plan, ids, base)})
    records = (row[0] for row in storage.query(plan.text_page, [base, json.dumps(ids)]))
    return call.answer_records(answer, records)


def read_records(storage: Storage, plan: Plan, ids: Sequence[str], base: str) -> list[dict[str, Any]]:
    """Read records with their parents and children, in the order of the ids."""
    if not ids:
        return []
    rows = storage.query(plan.page, [json.dumps(ids)])
    records = build(plan.shape, rows, base)
    for child in plan.children:
        families = _children(storage, child.plan, ids, base)
        for row, record in zip(rows, records, strict=True):
            record[child.key] = families.get(row[0])
    return records


def _children(storage: Storage, plan: Plan, parents: Sequence[str], base: str) -> dict[str, dict[str, Any]]:
    pairs = storage.query(plan.ids, [*plan.binds, json.dumps(parents)])
    families: dict[str, list[str]] = {}
    for child_id, parent_id in pairs:
        families.setdefault(parent_id, []).append(child_id)
    end = None if plan.limit is None else plan.offset + plan.limit
    kept = {parent: ids[plan.offset : end] for parent, ids in families.items()}
    order = [child_id for ids in kept.values() for child_id in ids]
    records = iter(read_records(storage, plan, order, base))
    answers = {parent: [next(records) for _ in ids] for parent, ids in kept.items() if ids}
    return {parent: {"totalSize": len(own), "done": True, "records": own} for parent, own in answers.items()}


def _groups(storage: Storage, plan: GroupPlan) -> dict[str, Any]:
    rows = run(storage, plan.statement, plan.binds)
    if not plan.keys:
        return {"totalSize": rows[0][0], "done": True, "records": []}
    if len(rows) > MAX_GROUPS:
        message = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
        raise CrmError("EXCEEDED_ID_LIMIT", message, None)
    return {"totalSize": len(rows), "done": True, "records": group_records(plan.keys, plan.booleans, rows)}
