"""The values HubSpot sets by itself when a record is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.sandbox.hubspot.objects import ObjectType
from connector.sandbox.hubspot.pipelines import Stage
from connector.sandbox.hubspot.wire import epoch_ms, stored_stamp

APP_ID = "19083857"
PREVIEW_CHARACTERS = 500
BODIES = {
    "tasks": "hs_task_body",
    "calls": "hs_call_body",
    "meetings": "hs_meeting_body",
    "notes": "hs_note_body",
    "communications": "hs_communication_body",
}

Values = dict[str, str]


@dataclass(frozen=True)
class Moment:
    """Say when and on what a write happens: `before` is empty for a new record; `user_ids` is by owner id."""

    kind: ObjectType
    id: str
    now_ms: int
    before: Mapping[str, Any]
    user_ids: Mapping[str, str]
    stages: Mapping[str, Stage]


def complete(moment: Moment, written: Mapping[str, str]) -> Values:
    """Give the written values and all that follow from them."""
    values = {**(defaults(moment) if not moment.before else {}), **written}
    now = {**moment.before, **values}
    for follow in (owner, BY_OBJECT.get(moment.kind.plural, nothing), body_preview):
        values |= follow(moment, values, now)
    return values


def defaults(moment: Moment) -> Values:
    """Give what a new record has from the start."""
    common = {
        "hs_object_source": "INTEGRATION",
        "hs_object_source_id": APP_ID,
        "hs_object_source_label": "INTEGRATION",
    }
    return common | DEFAULTS.get(moment.kind.plural, {})


def nothing(moment: Moment, values: Mapping[str, str], now: Mapping[str, Any]) -> Values:
    """Set nothing."""
    return {}


def owner(moment: Moment, values: Mapping[str, str], now: Mapping[str, Any]) -> Values:
    """Follow a change of owner."""
    if "hubspot_owner_id" not in values or values["hubspot_owner_id"] == moment.before.get("hubspot_owner_id"):
        return {}
    chosen = values["hubspot_owner_id"]
    return {
        "hubspot_owner_assigneddate": stored_stamp(moment.now_ms) if chosen else "",
        "hs_all_owner_ids": chosen,
        "hs_user_ids_of_all_owners": moment.user_ids.get(chosen, ""),
    }


def contact(moment: Moment, values: Mapping[str, str], now: Mapping[str, Any]) -> Values:
    """Follow a change of a contact's address, name or stage."""
    found: Values = {}
    if not moment.before:
        found["hs_all_contact_vids"] = moment.id
    if values.get("email"):
        found["hs_email_domain"] = values["email"].rpartition("@")[2]
    if {"email", "firstname", "lastname"} & values.keys():
        name = " ".join(filter(None, (now.get("firstname"), now.get("lastname"))))
        found["hs_full_name_or_email"] = name or now.get("email") or ""
    reached = f"hs_lifecyclestage_{values.get('lifecyclestage')}_date"
    if values.get("lifecyclestage") and not moment.before.get(reached):
        found[reached] = stored_stamp(moment.now_ms)
    return found


def company(moment: Moment, values: Mapping[str, str], now: Mapping[str, Any]) -> Values:
    """Fill a new company's website from its domain, as HubSpot does."""
    if moment.before or values.get("website") or not values.get("domain"):
        return {}
    return {"website": values["domain"]}


def deal(moment: Moment, values: Mapping[str, str], now: Mapping[str, Any]) -> Values:
    """Follow a change of a deal's stage or amount."""
    stage = moment.stages.get(now.get("dealstage") or "")
    closed, probability = (stage.closed, stage.probability) if stage else (False, 0.0)
    won = closed and probability == 1
    found = {
        "hs_is_closed": flag(closed),
        "hs_is_closed_won": flag(won),
        "hs_is_closed_lost": flag(closed and not won),
        "hs_deal_stage_probability": str(probability),
        "hs_closed_amount": now.get("amount") or "0" if won else "0",
        "amount_in_home_currency": in_home_currency(now.get("amount") or "", now.get("hs_exchange_rate") or "1"),
    }
    if closed and not now.get("closedate"):
        found["closedate"] = stored_stamp(moment.now_ms)
    return found


def in_home_currency(amount: str, rate: str) -> str:
    """Take a deal's amount to the account's own currency, at the rate that the deal holds."""
    return amount if not amount or float(rate) == 1 else f"{float(amount) * float(rate):.10g}"


def ticket(moment: Moment, values: Mapping[str, str], now: Mapping[str, Any]) -> Values:
    """Give a new ticket its id as a property."""
    if moment.before:
        return {}
    return {"hs_ticket_id": moment.id, "hs_helpdesk_sort_timestamp": stored_stamp(moment.now_ms)}


def task(moment: Moment, values: Mapping[str, str], now: Mapping[str, Any]) -> Values:
    """Follow a change of a task's status, type or due time."""
    done = now.get("hs_task_status") == "COMPLETED"
    due = now.get("hs_timestamp") or ""
    past = bool(due) and epoch_ms(due) < moment.now_ms
    found = {
        "hs_task_is_completed": str(int(done)),
        "hs_task_is_completed_call": str(int(done and now.get("hs_task_type") == "CALL")),
        "hs_task_is_completed_email": str(int(done and now.get("hs_task_type") == "EMAIL")),
        "hs_task_completion_count": str(int(done)),
        "hs_task_is_overdue": flag(past and not done),
        "hs_task_is_past_due_date": flag(past),
        "hs_task_missed_due_date": flag(past),
        "hs_task_missed_due_date_count": str(int(past)),
    }
    if done and not moment.before.get("hs_task_completion_date"):
        found["hs_task_completion_date"] = stored_stamp(moment.now_ms)
    return found


def lead(moment: Moment, values: Mapping[str, str], now: Mapping[str, Any]) -> Values:
    """Follow a lead into another stage."""
    if now.get("hs_pipeline_stage") == moment.before.get("hs_pipeline_stage"):
        return {}
    return {"hs_v2_date_entered_current_stage": stored_stamp(moment.now_ms)}


def body_preview(moment: Moment, values: Mapping[str, str], now: Mapping[str, Any]) -> Values:
    """Follow a change of an activity's body."""
    text = values.get(BODIES.get(moment.kind.plural, ""))
    if text is None:
        return {}
    return {
        "hs_body_preview": text[:PREVIEW_CHARACTERS],
        "hs_body_preview_html": f"<html>\n <head></head>\n <body>\n {text} \n </body>\n</html>",
        "hs_body_preview_is_truncated": flag(len(text) > PREVIEW_CHARACTERS),
    }


def flag(value: bool) -> str:
    """Write a boolean."""
    return "true" if value else "false"


BY_OBJECT = {
    "contacts": contact,
    "companies": company,
    "deals": deal,
    "tickets": ticket,
    "tasks": task,
    "leads": lead,
}
DEFAULTS: Mapping[str, Values] = {
    "contacts": {
        "hs_associated_target_accounts": "0",
        "hs_currently_enrolled_in_prospecting_agent": "false",
        "hs_is_contact": "true",
        "hs_is_unworked": "true",
        "hs_membership_has_accessed_private_content": "0",
        "hs_pipeline": "contacts-lifecycle-pipeline",
        "hs_prospecting_agent_actively_enrolled_count": "0",
        "hs_prospecting_agent_total_enrolled_count": "0",
        "hs_registered_member": "0",
        "hs_sequences_actively_enrolled_count": "0",
        "lifecyclestage": "lead",
        "num_notes": "0",
    },
    "companies": {"hs_pipeline": "companies-lifecycle-pipeline", "lifecyclestage": "lead", "hs_num_open_deals": "0"},
    "deals": {"pipeline": "default"},
    "tickets": {"hs_pipeline": "0", "hs_last_message_from_visitor": "false"},
    "tasks": {
        "hs_task_family": "SALES",
        "hs_task_for_object_type": "OWNER",
        "hs_task_is_all_day": "false",
        "hs_task_is_completed_linked_in": "0",
        "hs_task_is_completed_sequence": "0",
        "hs_task_priority": "NONE",
        "hs_task_status": "NOT_STARTED",
        "hs_task_type": "TODO",
    },
    "meetings": {"hs_meeting_source": "CRM_UI"},
    "leads": {"hs_pipeline": "lead-pipeline-id", "hs_pipeline_stage": "new-stage-id"},
}
