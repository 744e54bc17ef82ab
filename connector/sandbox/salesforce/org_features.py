"""What an org may have and another not: person accounts, several currencies, record types.

`POST /control/org` switches them on, and they stay; `POST /control/person_account` makes somebody. Fields of person
accounts are as recorded, and do not follow later changes of the contact half, nor it theirs. No recording of the rest:
from the vendor's object reference.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.sandbox.salesforce.control_bodies import checked
from connector.sandbox.salesforce.ids import record_id
from connector.sandbox.salesforce.objects import FieldSpec, stored
from connector.sandbox.salesforce.org import ADMIN_USER, Org
from connector.sandbox.salesforce.profiles import grant_to_profiles
from connector.sandbox.storage import Transaction, quote

FIRST_NUMBER = 1_000_000_000
WITH_CURRENCY = ("Account", "Campaign", "Contact", "Lead", "Opportunity")
WITH_RECORD_TYPES = ("Account", "Campaign", "Contact", "Lead", "Opportunity")
SWITCHABLE = "switchablepersonname"
IS_PERSON = "EXISTS (SELECT 1 FROM Account a WHERE a.PersonContactId = {t}._id)"
PERSON_FIELDS: Mapping[str, tuple[FieldSpec, ...]] = {
    "Account": (
        FieldSpec("IsPersonAccount", "boolean", access="d", default=False, label="Is Person Account"),
        FieldSpec(
            *("PersonContactId", "reference", 18),
            access="n",
            to=("Contact",),
            relationship="PersonContact",
            indexed=True,
            label="Contact ID",
        ),
        FieldSpec("FirstName", "string", 40, part_of="Name", name_field=True, label="First Name", extra=SWITCHABLE),
        FieldSpec("LastName", "string", 80, part_of="Name", name_field=True, label="Last Name", extra=SWITCHABLE),
        FieldSpec("PersonEmail", "email", 80, label="Email"),
        FieldSpec("PersonTitle", "string", 80, label="Title"),
    ),
    "Contact": (
        FieldSpec(
            "IsPersonAccount", "boolean", access="d", default=False, formula=IS_PERSON, label="Is Person Account"
        ),
    ),
}


def org_features(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Switch on what `POST /control/org` names: {person_accounts?, currencies?, record_types?, actor?}.

    currencies: ISO code to its rate, units for one of the corporate currency, which is the first with rate 1; records
    that are there are in that one. record_types: object to developer names; the first is that of the records that are
    there. Answers the fields made. Raises KeyError for an object without record types, ValueError for other mistakes.
    """
    actor = checked(body, set(), {"person_accounts", "currencies", "record_types"})
    currencies, types = dict(body.get("currencies", {})), dict(body.get("record_types", {}))
    if currencies and 1 not in currencies.values():
        raise ValueError("currencies: one of them is the corporate currency, whose rate is 1")
    if unknown := sorted(types.keys() - set(WITH_RECORD_TYPES)):
        raise KeyError(", ".join(unknown))
    made = [*(_person_accounts(org) if body.get("person_accounts") else ())]
    with org.storage.transaction(actor, "POST", "/control/org") as transaction:
        for code, rate in currencies.items():
            rated = {"IsoCode": code, "ConversionRate": rate, "DecimalPlaces": 2}
            _insert(org, transaction, "CurrencyType", rated | {"IsActive": 1, "IsCorporate": int(rate == 1)})
        first = {
            name: _record_types(org, transaction, name, developer_names) for name, developer_names in types.items()
        }
    if currencies:
        made += _currency_fields(org, currencies)
    for name, type_id in first.items():
        spec = FieldSpec("RecordTypeId", "reference", 18, to=("RecordType",), relationship="RecordType", indexed=True)
        made += _field(org, name, spec, type_id)
    return {"fields": made}


def person_account(org: Org, body: Mapping[str, Any]) -> dict[str, Any]:
    """Make one as `POST /control/person_account` asks: {last_name, first_name?, email?, title?, actor?}.

    Answers {account_id, contact_id}. Raises ValueError in an org without person accounts.
    """
    actor = checked(body, {"last_name"}, {"first_name", "email", "title"})
    if "IsPersonAccount" not in org.catalog.objects["Account"].fields:
        raise ValueError("the org has no person accounts; switch them on with POST /control/org")
    names = {"FirstName": body.get("first_name"), "LastName": body["last_name"]}
    whole = " ".join(str(part) for part in names.values() if part)
    with org.storage.transaction(actor, "POST", "/control/person_account") as transaction:
        contact = {**names, "Email": body.get("email"), "Title": body.get("title"), "OwnerId": ADMIN_USER}
        contact_id = _insert(org, transaction, "Contact", contact)
        own = {**names, "Name": whole, "PersonEmail": body.get("email"), "PersonTitle": body.get("title")}
        account = {**own, "IsPersonAccount": 1, "PersonContactId": contact_id, "OwnerId": ADMIN_USER}
        account_id = _insert(org, transaction, "Account", account)
        transaction.update("Contact", contact_id, {"AccountId": account_id})
    return {"account_id": account_id, "contact_id": contact_id}


def _person_accounts(org: Org) -> Iterator[str]:
    for name, specs in PERSON_FIELDS.items():
        for spec in specs:
            yield from _field(org, name, spec, 0 if spec.type == "boolean" and spec.formula is None else None)


def _currency_fields(org: Org, currencies: Mapping[str, float]) -> Iterator[str]:
    corporate = next(code for code, rate in currencies.items() if rate == 1)
    for name in WITH_CURRENCY:
        spec = FieldSpec("CurrencyIsoCode", "picklist", 3, access="cud", values=tuple(currencies), default=corporate)
        yield from _field(org, name, spec, corporate)


def _field(org: Org, name: str, spec: FieldSpec, value: object) -> Iterator[str]:
    """Add a field that everybody sees, with a value for the records that are there."""
    if spec.name in org.catalog.objects[name].fields:
        return
    org.catalog.add_field(name, spec, record_id("CustomField", 0))
    grant_to_profiles(org.storage, org.catalog.objects[name], [spec])
    if value is not None:
        org.storage.execute(f"UPDATE {quote(name)} SET {quote(spec.name)} = ?", [value])  # noqa: S608 - quoted names
    yield f"{name}.{spec.name}"


def _record_types(org: Org, transaction: Transaction, name: str, developer_names: Sequence[str]) -> str:
    """Make an object's record types; gives the id of the first."""
    made = [
        _insert(
            org,
            transaction,
            "RecordType",
            {"Name": each.replace("_", " "), "DeveloperName": each, "SobjectType": name, "IsActive": 1},
        )
        for each in developer_names
    ]
    return made[0]


def _insert(org: Org, transaction: Transaction, name: str, values: Mapping[str, Any]) -> str:
    fixed = {
        field.name: stored(field.default)
        for field in org.catalog.objects[name].fields.values()
        if field.default is not None and field.column is not None
    }
    new_id = record_id(name, org.storage.next_number(name, first=FIRST_NUMBER))
    transaction.insert(name, new_id, {**fixed, **values})
    return new_id
