"""Campaigns, their members and the statuses members can have.

No recording: from the vendor's object reference; the words for a repeated member are from public reports. A status
that a campaign does not have is kept and counts as not responded: no page says what the vendor makes of it.
"""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.org import Org
from connector.sandbox.storage import Storage

STATUS_COLUMNS = ("CampaignId", "Label", "SortOrder", "IsDefault", "HasResponded")
FIRST_STATUSES = {"Sent": False, "Responded": True}
WEBINAR_STATUSES = {"Sent": False, "Responded": True, "Registered": True, "Attended": True, "No Show": False}
RESPONDS = "SELECT HasResponded FROM CampaignMemberStatus WHERE CampaignId = ? AND Label = ? AND _deleted = 0"


def install(org: Org) -> None:
    """Give campaigns of a file that knew no statuses those that its members may have."""
    bare = "SELECT _id, _created_at FROM Campaign WHERE _id NOT IN (SELECT CampaignId FROM CampaignMemberStatus)"
    for campaign_id, created_at in org.storage.query(bare):
        add_statuses(org.storage, campaign_id, created_at, "seed", WEBINAR_STATUSES)


def add_statuses(storage: Storage, campaign_id: str, at_ms: int, actor: str, statuses: Mapping[str, bool]) -> None:
    """Give a campaign its statuses, label to whether it means a response; the first is the default. Not journaled."""
    names = ("_id", "_created_at", "_modified_at", "_deleted", "_created_by", "_modified_by", *STATUS_COLUMNS)
    statement = f"INSERT INTO CampaignMemberStatus ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"  # noqa: S608 - our own names
    for order, (label, responds) in enumerate(statuses.items(), 1):
        new_id = record_id("CampaignMemberStatus", storage.next_number("CampaignMemberStatus"))
        told = (campaign_id, label, order, int(order == 1), int(responds))
        storage.execute(statement, [new_id, at_ms, at_ms, 0, actor, actor, *told])


def check_member(org: Org, values: Mapping[str, Any]) -> None:
    """Refuse a member without a person, or one the campaign has already."""
    person = "ContactId" if values.get("ContactId") else "LeadId"
    if not values.get(person):
        raise CrmError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LeadId]", ["LeadId"])
    statement = f"SELECT 1 FROM CampaignMember WHERE CampaignId = ? AND {person} = ? AND _deleted = 0"  # noqa: S608 - two names
    if org.storage.query(statement, [values["CampaignId"], values[person]]):
        raise CrmError("DUPLICATE_VALUE", "Already a campaign member.")


def first_response(org: Org, before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Give the date of a member's first response where a new status is one."""
    if "Status" not in values or before.get("FirstRespondedDate"):
        return {}
    campaign_id = values.get("CampaignId") or before.get("CampaignId")
    found = org.storage.query(RESPONDS, [campaign_id, values["Status"]])
    return {"FirstRespondedDate": org.clock.now().date().isoformat()} if found and found[0][0] else {}
