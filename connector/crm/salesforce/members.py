"""Campaign members: people put on campaigns, which are named as people name them, or by id.

A campaign has a person once (DUPLICATE_VALUE, "Already a campaign member"): the second attempt is an acknowledgement.
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_campaignmember.htm
No recording of the refusal; its words are from public reports.
"""

from collections.abc import Iterable, Mapping, Sequence

from connector.crm.base import Write, WriteResult, unsent
from connector.crm.salesforce.collections_write import ROWS_PER_CALL, chunks, send
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.soql import is_one_of, select
from connector.crm.salesforce.wire import JsonValue, Request
from connector.errors import AuthError, QuotaExhausted, RetryableError

PERSON_FIELDS: Mapping[str, str] = {"Lead": "LeadId", "Contact": "ContactId"}
KNOWN = "Already a campaign member"


def add_members(gateway: Gateway, writes: Sequence[Write]) -> list[WriteResult]:
    """Put people on campaigns; results in input order.

    Once something was acknowledged, an outage is a value, as for all writes.
    """
    campaigns = _campaigns(gateway, {str(one.fields["to"]) for one in writes})
    results = {at: _refusal(one, campaigns[str(one.fields["to"])]) for at, one in enumerate(writes)}
    ready = [at for at, refused in results.items() if refused is None]
    for chunk in chunks(ready, ROWS_PER_CALL):
        records = [_record(writes[at], campaigns[str(writes[at].fields["to"])][0]) for at in chunk]
        try:
            answers = send(gateway, "POST", records)
        except (RetryableError, QuotaExhausted, AuthError) as outage:
            if not any(result and result.ok for result in results.values()):
                raise
            answers = [unsent(outage)] * len(chunk)
        results |= zip(chunk, map(_acknowledged, answers), strict=True)
    return [results[at] or WriteResult(code="NOT_SENT", retry=True) for at in range(len(writes))]


def _campaigns(gateway: Gateway, names: Iterable[str]) -> dict[str, list[str]]:
    """Find the ids of campaigns by name, compared without case, or by id."""
    wanted = sorted(names)
    found: dict[str, list[str]] = {name: [] for name in wanted}
    for field, keys in (("Name", wanted), ("Id", [name for name in wanted if _is_id(name)])):
        for chunk in chunks(keys, ROWS_PER_CALL):
            soql = select(["Id", "Name"], "Campaign", is_one_of(field, chunk))
            page = gateway.json(Request("GET", "query/", params={"q": soql}))
            for row in page["records"]:
                for name in wanted:
                    if str(row["Name"]).casefold() == name.casefold() or row["Id"][:15] == name[:15]:
                        found[name].append(row["Id"])
    return {name: sorted(set(ids)) for name, ids in found.items()}


def _is_id(name: str) -> bool:
    return len(name) in (15, 18) and name.isalnum() and name.startswith("701")


def _refusal(write: Write, campaigns: Sequence[str]) -> WriteResult | None:
    name, kind = write.fields["to"], write.fields["object"]
    if kind not in PERSON_FIELDS:
        return WriteResult(code="NO_PERSON", message=f"a campaign takes leads and contacts, no {kind}")
    if not campaigns:
        return WriteResult(code="NO_CAMPAIGN", message=f"no campaign {name!r} that this user may see")
    if len(campaigns) > 1:
        told = f"{len(campaigns)} campaigns are called {name!r}; name one by its id"
        return WriteResult(code="SEVERAL_CAMPAIGNS", message=told)
    return None


def _record(write: Write, campaign_id: str) -> JsonValue:
    person = PERSON_FIELDS[str(write.fields["object"])]
    status = {"Status": write.fields["status"]} if write.fields.get("status") else {}
    return {
        "attributes": {"type": "CampaignMember"},
        "CampaignId": campaign_id,
        person: write.fields["record_id"],
        **status,
    }


def _acknowledged(result: WriteResult) -> WriteResult:
    """Take a member who is one already as done; the vendor names no id of it."""
    if result.code == "DUPLICATE_VALUE" and KNOWN.casefold() in (result.message or "").casefold():
        return WriteResult()
    return WriteResult(id=result.id, created=True) if result.ok else result
