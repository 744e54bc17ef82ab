"""The canonical tables: the only vocabulary that CRM mappings, models and engines share.

A missing column and a null value both mean *unknown*. Every datetime is UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

ColumnType = Literal["text", "number", "boolean", "datetime", "list", "map"]


@dataclass(frozen=True)
class Table:
    """Describe one canonical table.

    `key` names the columns that must be there and filled; `reserved` ones are written by Leadlight and no model may
    read them.
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, ColumnType]
    reserved: tuple[str, ...] = ()


PEOPLE: Final = Table(
    name="people",
    key=("person_id",),
    columns=MappingProxyType(
        {
            "person_id": "text",
            "kind": "text",
            "account_id": "text",
            "owner_id": "text",
            "email": "text",
            "phone": "text",
            "title": "text",
            "seniority": "text",
            "department": "text",
            "buying_role": "text",
            "country": "text",
            "source": "text",
            "opted_out": "boolean",
            "created_at": "datetime",
            "converted_at": "datetime",
            "company": "text",
            "domain": "text",
            "industry": "text",
            "employees": "number",
            "revenue": "number",
            "technologies": "list",
            "previous_band": "text",
        }
    ),
    reserved=("previous_band",),
)

ACCOUNTS: Final = Table(
    name="accounts",
    key=("account_id",),
    columns=MappingProxyType(
        {
            "account_id": "text",
            "name": "text",
            "domain": "text",
            "industry": "text",
            "employees": "number",
            "revenue": "number",
            "country": "text",
            "technologies": "list",
            "type": "text",
            "owner_id": "text",
            "previous_band": "text",
        }
    ),
    reserved=("previous_band",),
)

EVENTS: Final = Table(
    name="events",
    key=("event_id", "type", "occurred_at"),
    columns=MappingProxyType(
        {
            "event_id": "text",
            "type": "text",
            "occurred_at": "datetime",
            "person_id": "text",
            "account_id": "text",
            "url": "text",
            "asset": "text",
            "source": "text",
            "value": "number",
            "props": "map",
            "is_bot": "boolean",
        }
    ),
)

OUTCOMES: Final = Table(
    name="outcomes",
    key=("kind", "occurred_at"),
    columns=MappingProxyType(
        {
            "kind": "text",
            "occurred_at": "datetime",
            "person_id": "text",
            "account_id": "text",
            "reason": "text",
            "amount": "number",
            "currency": "text",
        }
    ),
)

ADJUSTMENTS: Final = Table(
    name="adjustments",
    key=("adjustment_id", "subject_id", "model_id", "op", "points", "effective_at"),
    columns=MappingProxyType(
        {
            "adjustment_id": "text",
            "subject_id": "text",
            "model_id": "text",
            "op": "text",
            "points": "number",
            "effective_at": "datetime",
            "half_life_days": "number",
            "reason": "text",
            "author": "text",
        }
    ),
)

ATTRIBUTES: Final = Table(
    name="attributes",
    key=("subject_id", "name", "observed_at"),
    columns=MappingProxyType(
        {
            "subject_id": "text",
            "name": "text",
            "value": "text",
            "vendor": "text",
            "observed_at": "datetime",
        }
    ),
)

CREDITS: Final = Table(
    name="credits",
    key=("credit_id",),
    columns=MappingProxyType(
        {
            "credit_id": "text",
            "deal_id": "text",
            "person_id": "text",
            "role": "text",
            "is_primary": "boolean",
            "created_at": "datetime",
        }
    ),
)
"""Who had a part in a deal; the outcome_ids of the deal are its deal_id and `:` and more."""

HISTORY: Final = Table(
    name="history",
    key=("history_id",),
    columns=MappingProxyType(
        {
            "history_id": "text",
            "object": "text",
            "subject_id": "text",
            "field": "text",
            "old": "text",
            "new": "text",
            "changed_at": "datetime",
        }
    ),
)
"""What stood in a field of the CRM before, as far as it keeps it; object and field are named as the CRM does."""

RATES: Final = Table(
    name="rates",
    key=("rate_id",),
    columns=MappingProxyType({"rate_id": "text", "currency": "text", "per_corporate": "number"}),
)
"""Units of a currency for one of the corporate currency, as the CRM has it now."""

TABLES: Final[Mapping[str, Table]] = MappingProxyType(
    {
        table.name: table
        for table in (PEOPLE, ACCOUNTS, EVENTS, OUTCOMES, ADJUSTMENTS, ATTRIBUTES, CREDITS, HISTORY, RATES)
    }
)

EVENT_TYPES: Final[frozenset[str]] = frozenset(
    {
        "email_sent",
        "email_open",
        "email_click",
        "email_reply",
        "email_bounce",
        "unsubscribe",
        "page_view",
        "careers_visit",
        "form_submission",
        "content_download",
        "case_study_download",
        "demo_request",
        "webinar_registered",
        "webinar_attended",
        "webinar_cancelled",
        "webinar_no_show",
        "list_joined",
        "chat",
        "message",
        "note",
        "task_done",
        "meeting",
        "call",
        "social_engagement",
        "competitor_comparison_view",
        "trial_start",
        "product_usage",
        "invite",
        "product_registration",
        "ticket",
        "intent_surge",
        "contract_event",
    }
)

# Totals and axes are stored and compared rounded to so many decimals.
DECIMALS = 9

BUILT_IN_FIELDS: Final[Mapping[str, str]] = MappingProxyType({"email_domain": "email"})
"""Fields that the engine derives, and the people column that each is read from."""
