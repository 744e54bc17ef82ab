"""What goes into the recycle bin with a record, and comes back with it.

Which children go: `cascadeDelete` in the recorded describes of leads, contacts and accounts; of campaigns and
opportunities from the vendor's help pages; that relations go with their mail is a guess.
"""

from collections.abc import Mapping

from connector.sandbox.salesforce.org import Org
from connector.sandbox.storage import Transaction, quote

CASCADES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Account": (("Contact", "AccountId"), ("Event", "WhatId"), ("Opportunity", "AccountId"), ("Task", "WhatId")),
    "Campaign": (
        ("CampaignMember", "CampaignId"),
        ("CampaignMemberStatus", "CampaignId"),
        ("Event", "WhatId"),
        ("Task", "WhatId"),
    ),
    "Contact": (
        ("CampaignMember", "ContactId"),
        ("Event", "WhoId"),
        ("OpportunityContactRole", "ContactId"),
        ("Task", "WhoId"),
    ),
    "EmailMessage": (("EmailMessageRelation", "EmailMessageId"),),
    "Lead": (("CampaignMember", "LeadId"), ("Event", "WhoId"), ("Task", "WhoId")),
    "Opportunity": (("Event", "WhatId"), ("OpportunityContactRole", "OpportunityId"), ("Task", "WhatId")),
}
SCHEMA = "CREATE TABLE IF NOT EXISTS salesforce_recycled (object TEXT, id TEXT PRIMARY KEY, parent TEXT)"


def install(org: Org) -> None:
    """Make the table that notes which record took which along."""
    org.storage.execute(SCHEMA)


def delete(org: Org, transaction: Transaction, name: str, record_id: str) -> None:
    """Delete a record and what hangs on it."""
    transaction.delete(name, record_id)
    for child, field in CASCADES.get(name, ()):
        statement = f"SELECT _id FROM {quote(child)} WHERE {quote(field)} = ? AND _deleted = 0 ORDER BY _id"  # noqa: S608 - quoted names
        for (child_id,) in org.storage.query(statement, [record_id]):
            delete(org, transaction, child, child_id)
            noted = [child, child_id, record_id]
            transaction.execute("INSERT OR REPLACE INTO salesforce_recycled VALUES (?, ?, ?)", noted)


def undelete(org: Org, transaction: Transaction, name: str, record_id: str) -> None:
    """Bring a record back with what it took along; a merged loser has nothing left."""
    transaction.execute(f"UPDATE {quote(name)} SET _deleted = 0 WHERE _id = ?", [record_id])  # noqa: S608 - quoted name
    merged = "MasterRecordId" in org.catalog.objects[name].fields
    transaction.update(name, record_id, {"MasterRecordId": None} if merged else {})
    taken = org.storage.query("SELECT object, id FROM salesforce_recycled WHERE parent = ? ORDER BY id", [record_id])
    for child, child_id in taken:
        undelete(org, transaction, child, child_id)
    transaction.execute("DELETE FROM salesforce_recycled WHERE parent = ?", [record_id])
