"""Orgs that have what others lack: several currencies, person accounts, record types."""

import pytest

from connector.credits import outcomes
from connector.reading import open_reading
from tests.loop.loops import Loop
from tests.loop.signals import model_of, scored, totals, use_model
from tests.loop.test_salesforce_conversions import API, full_and_short, kept

pytestmark = pytest.mark.parametrize("crm", ["salesforce"])
RICH = """
[[fit]]
id = "rich"
label = "over a million"
when = { field = "revenue", gte = 1000000 }
points = 30
"""
PARTNER = """
[[fit]]
id = "partner"
label = "came by a partner"
when = { field = "record_type", is = "Partner_Lead" }
points = 12
"""


def test_amounts_are_compared_in_the_corporate_currency(fresh: Loop) -> None:
    use_model(fresh, model_of({}, RICH))
    fresh.control("org", {"currencies": {"USD": 1, "JPY": 150, "EUR": 0.9}})
    people = fresh.people()
    for who, code, revenue in (("p20", "JPY", 2_000_000), ("p21", "EUR", 900_000), ("p22", "USD", 999_999)):
        fresh.edit(people[who], CurrencyIsoCode=code, AnnualRevenue=revenue)
    scored(fresh)
    assert [totals(fresh)[people[who]["id"]] for who in ("p20", "p21", "p22")] == [0, 30, 0]
    rate = next(row for row in fresh.records("CurrencyType") if row["fields"]["IsoCode"] == "JPY")
    fresh.edit(rate | {"object": "CurrencyType"}, ConversionRate=1.5)
    fresh.advance(60)
    short = scored(fresh, changed_only=True)
    assert totals(fresh)[people["p20"]["id"]] == 30
    assert not any(short.kept.values())  # a rate is in everybody's amounts


def test_what_a_deal_brought_is_summed_in_one_currency(fresh: Loop) -> None:
    fresh.control("org", {"currencies": {"USD": 1, "EUR": 0.5}})
    body = {"Name": "Deal", "StageName": "Closed Won", "CloseDate": "2026-06-30", "CurrencyIsoCode": "EUR"}
    account = fresh.records("Account")[0]["id"]
    fresh.ask("POST", f"{API}Opportunity", json=body | {"AccountId": account, "Amount": 1000})
    scored(fresh)
    with open_reading(fresh.config) as reading, reading.engine() as engine:
        won = f"SELECT sum(amount) FROM {outcomes(reading.lake)} WHERE kind = 'closed_won'"  # noqa: S608 - our own
        assert engine.execute(won).fetchall() == [(2000.0,)]


def test_a_person_account_is_one_person_and_no_company(fresh: Loop) -> None:
    use_model(fresh, model_of({"call": 5}))
    fresh.control("org", {"person_accounts": True})
    made = fresh.control("person_account", {"first_name": "Ann", "last_name": "Lee", "email": "ann@lee.example"})
    scored(fresh)
    assert made["contact_id"] in totals(fresh)
    assert made["account_id"] not in {row["account_id"] for row in kept(fresh, "accounts")}
    (person,) = [row for row in kept(fresh, "people") if row["person_id"] == made["contact_id"]]
    assert (person["account_id"], person["email"]) == (None, "ann@lee.example")
    companies = {row["account_id"] for row in kept(fresh, "accounts")}
    assert companies  # companies are read as ever
    done = {"Subject": "Call", "TaskSubtype": "Call", "Status": "Completed", "WhoId": made["contact_id"]}
    fresh.ask("POST", f"{API}Task", json=done)
    fresh.advance(60)
    assert full_and_short(fresh)[made["contact_id"]] == 5


def test_a_record_type_is_a_fact_by_the_name_that_stays(fresh: Loop) -> None:
    use_model(fresh, model_of({}, PARTNER))
    fresh.control("org", {"record_types": {"Lead": ["Inbound", "Partner_Lead"]}})
    person = fresh.people()["p20"]
    partner = next(row for row in fresh.records("RecordType") if row["fields"]["DeveloperName"] == "Partner_Lead")
    fresh.edit(person, RecordTypeId=partner["id"])
    scored(fresh)
    assert totals(fresh)[person["id"]] == 12
    assert sum(totals(fresh).values()) == 12
