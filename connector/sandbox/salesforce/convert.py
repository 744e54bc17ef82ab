"""Convert a lead as a person does: `POST /control/convert`.

An account and a contact are made, or found ones are filled where they are blank; fields go by the vendor's standard
mapping, custom ones only where `field_map` says so. Activities go over to the contact with the keys they have; custom
look-ups to the lead stay. No recording: from the vendor's help pages on what happens at a conversion.
"""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.salesforce import rules
from connector.sandbox.salesforce.control_bodies import checked, record
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.objects import ObjectSpec, stored
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.tracking import track
from connector.sandbox.storage import Transaction

OPTIONS = {"account_id", "contact_id", "opportunity", "owner_id", "status", "field_map"}
CONVERTED_STATUS = "Closed - Converted"
FIRST_NUMBER = 1_000_000_000
ACTIVITIES = ("Task", "Event")
SAME_ON_ACCOUNT = ("Phone", "Fax", "Website", "Industry", "AnnualRevenue", "NumberOfEmployees", "Rating")
SAME_ON_CONTACT = (
    "FirstName",
    "LastName",
    "Salutation",
    "Title",
    "Email",
    "Phone",
    "MobilePhone",
    "Fax",
    "LeadSource",
    "HasOptedOutOfEmail",
    "DoNotCall",
    "Description",
)
ADDRESS = ("Street", "City", "State", "PostalCode", "Country")


def convert(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a lead: {id, account_id?, contact_id?, opportunity?, owner_id?, status?, field_map?, actor?}.

    Without ids an account and a contact are made; opportunity is the name of one to make. owner_id owns what is made
    and gets the open activities, by default it is the lead's owner. field_map: lead field to `Object.Field`. Answers
    {lead_id, account_id, contact_id, opportunity_id}. Raises KeyError for a record that is not there, ValueError for a
    converted lead, a contact of another account, and a queue's lead without owner_id.
    """
    actor = checked(body, {"id"}, OPTIONS)
    lead = record(org, "Lead", body["id"])
    if lead["IsConverted"]:
        raise ValueError(f"{lead['_id']} is converted already")
    owner = record(org, "User", body["owner_id"])["_id"] if body.get("owner_id") else lead["OwnerId"]
    if not str(owner).startswith("005"):
        raise ValueError(f"owner_id: missing, the lead belongs to the queue {owner}")
    with org.storage.transaction(actor, "POST", "/control/convert") as transaction:
        made = _Conversion(org, transaction, lead, str(owner), {**body, "actor": actor})
        return made.carry_out(new_owner=bool(body.get("owner_id")))


class _Conversion:
    def __init__(
        self, org: Org, transaction: Transaction, lead: dict[str, Any], owner: str, body: Mapping[str, Any]
    ) -> None:
        self._org, self._transaction, self._lead, self._owner, self._body = org, transaction, lead, owner, body

    def carry_out(self, *, new_owner: bool) -> dict[str, Any]:
        contact = record(self._org, "Contact", self._body["contact_id"]) if self._body.get("contact_id") else None
        account_id = self._account(contact)
        contact_id = self._put("Contact", contact, {**self._contact_values(), "AccountId": account_id})
        opportunity_id = self._opportunity(account_id, contact_id)
        lead_id = self._lead["_id"]
        for name in ACTIVITIES:
            self._move_activities(name, contact_id, opportunity_id or account_id, new_owner=new_owner)
        self._move_members(contact_id)
        values = {
            "IsConverted": 1,
            "ConvertedDate": self._org.clock.now().date().isoformat(),
            "ConvertedAccountId": account_id,
            "ConvertedContactId": contact_id,
            "ConvertedOpportunityId": opportunity_id,
            "Status": self._body.get("status", CONVERTED_STATUS),
            "OwnerId": self._owner,
        }
        track(self._org, self._org.catalog.objects["Lead"], lead_id, self._lead, values, str(self._body["actor"]))
        self._transaction.update("Lead", lead_id, values)
        ids = {"account_id": account_id, "contact_id": contact_id, "opportunity_id": opportunity_id}
        return {"lead_id": lead_id, **ids}

    def _account(self, contact: Mapping[str, Any] | None) -> str:
        asked = self._body.get("account_id")
        account = record(self._org, "Account", asked) if asked else None
        if contact is not None and contact["AccountId"] is not None:
            if account is not None and account["_id"] != contact["AccountId"]:
                raise ValueError(f"contact_id: {contact['_id']} belongs to the account {contact['AccountId']}")
            account = record(self._org, "Account", contact["AccountId"])
        lead = self._lead
        values = {name: lead[name] for name in SAME_ON_ACCOUNT}
        values |= {"Name": lead["Company"], **{f"Billing{part}": lead[part] for part in ADDRESS}}
        return self._put("Account", account, {**values, **self._mapped("Account")})

    def _contact_values(self) -> dict[str, Any]:
        values = {name: self._lead[name] for name in SAME_ON_CONTACT}
        return {**values, **{f"Mailing{part}": self._lead[part] for part in ADDRESS}, **self._mapped("Contact")}

    def _mapped(self, name: str) -> dict[str, Any]:
        pairs = {source: str(target).partition(".") for source, target in self._body.get("field_map", {}).items()}
        return {field: self._lead[source] for source, (owner, _, field) in pairs.items() if owner == name}

    def _put(self, name: str, found: Mapping[str, Any] | None, values: Mapping[str, Any]) -> str:
        """Make a record, or fill the blanks of one: a conversion overwrites nothing."""
        spec = self._org.catalog.objects[name]
        known = {key: value for key, value in values.items() if key in spec.fields and value is not None}
        if found is None:
            return self._insert(spec, known)
        blanks = {key: value for key, value in known.items() if found[key] is None}
        if blanks:
            self._transaction.update(name, found["_id"], blanks)
        return str(found["_id"])

    def _insert(self, spec: ObjectSpec, values: Mapping[str, Any]) -> str:
        fixed = {
            field.name: stored(field.default)
            for field in spec.fields.values()
            if field.default is not None and field.column is not None
        }
        new_id = record_id(spec.name, self._org.storage.next_number(spec.name, first=FIRST_NUMBER))
        whole = {**fixed, **values, "OwnerId": self._owner}
        self._transaction.insert(spec.name, new_id, {**whole, **rules.derived(self._org, spec, {}, whole)})
        return new_id

    def _opportunity(self, account_id: str, contact_id: str) -> str | None:
        name = self._body.get("opportunity")
        if not name:
            return None
        close = self._org.clock.now().date().isoformat()
        values = {"Name": name, "AccountId": account_id, "StageName": "Prospecting", "CloseDate": close}
        values |= {"LeadSource": self._lead["LeadSource"], **self._mapped("Opportunity")}
        opportunity_id = self._insert(self._org.catalog.objects["Opportunity"], values)
        role = record_id(
            "OpportunityContactRole", self._org.storage.next_number("OpportunityContactRole", FIRST_NUMBER)
        )
        joined = {"OpportunityId": opportunity_id, "ContactId": contact_id, "IsPrimary": 1}
        self._transaction.insert("OpportunityContactRole", role, joined)
        return opportunity_id

    def _move_activities(self, name: str, contact_id: str, what_id: str, *, new_owner: bool) -> None:
        """Take all activities over; those that are open go to a new owner."""
        spec = self._org.catalog.objects[name]
        statement = f'SELECT * FROM "{name}" WHERE WhoId = ? AND _deleted = 0 ORDER BY _id'  # noqa: S608 - our two names
        for row in self._org.storage.query(statement, [self._lead["_id"]]):
            values = {"WhoId": contact_id, "WhatId": row["WhatId"] or what_id}
            if new_owner and not (name == "Task" and row["Status"] == "Completed"):
                values["OwnerId"] = self._owner
            values |= rules.derived(self._org, spec, dict(row), values)
            self._transaction.update(name, row["_id"], values)

    def _move_members(self, contact_id: str) -> None:
        """Name the contact on campaign memberships, which keep the lead; where the contact is a member, leave them."""
        members = "SELECT _id, CampaignId FROM CampaignMember WHERE LeadId = ? AND _deleted = 0 ORDER BY _id"
        own = "SELECT 1 FROM CampaignMember WHERE CampaignId = ? AND ContactId = ? AND _deleted = 0"
        for member_id, campaign_id in self._org.storage.query(members, [self._lead["_id"]]):
            if not self._org.storage.query(own, [campaign_id, contact_id]):
                self._transaction.update("CampaignMember", member_id, {"ContactId": contact_id})
