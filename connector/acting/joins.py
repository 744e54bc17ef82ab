"""Who is put on a campaign, a list or a sequence: the outbox rows of a plan."""

from collections.abc import Iterator

from connector.job import Job
from connector.plan import Plan
from connector.store.outbox import Entry


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
