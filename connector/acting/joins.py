"""Who is put on a campaign, a list or a sequence: the outbox rows of a plan, and what this CRM cannot do."""

from collections.abc import Iterator, Mapping
from typing import Final

from connector.job import Job
from connector.plan import Plan
from connector.settings.acting import AddAction
from connector.settings.file import Settings
from connector.store.outbox import Entry

ADVICE: Final[Mapping[tuple[str, str], str]] = {
    ("salesforce", "list"): "Salesforce's list views are filters; name a campaign",
    ("salesforce", "sequence"): "Salesforce lets no program add people to a cadence; name a campaign, or set a field "
    "([write.nurture]) and let a flow of yours start the cadence",
    ("hubspot", "campaign"): "HubSpot's campaigns hold content and no people; name a list",
}


def join_entries(job: Job, plan: Plan) -> Iterator[Entry]:
    """Make outbox rows of a plan's joins, in the form that the port has for them."""
    emails = {owner.id: owner.email for owner in job.owners}
    for change in plan.joins:
        fields = {"to": change.to, "object": change.object, "record_id": change.record_id}
        extra = {"status": change.status, "user_id": change.user_id}
        if change.what == "sequence":
            extra["sender"] = change.sender or emails.get(change.owner_id or "") or ""
        fields |= {name: value for name, value in extra.items() if value is not None}
        payload = {"fields": fields, "key_field": "", "links": []}
        yield Entry("join", change.what, change.record_id, payload, change.key)


def join_problems(settings: Settings) -> Iterator[str]:
    """Name what actions ask for that the CRM cannot do, and what to do instead."""
    for action in settings.action:
        if action.add_to is not None:
            what = _what(action.add_to)
            if advice := ADVICE.get((settings.crm.kind, what)):
                yield f"action.{action.band or action.rule}.add_to.{what}: {advice}"


def _what(asked: AddAction) -> str:
    return "campaign" if asked.campaign else "list" if asked.list else "sequence"
