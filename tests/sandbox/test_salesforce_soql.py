"""SOQL against a small org, without a recording: from the vendor's documentation of the language."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.objects import FieldSpec
from connector.sandbox.salesforce.soql.parser import parse
from connector.sandbox.salesforce.soql.periods import period_range
from connector.sandbox.salesforce.soql.tokens import tokenize, unescape
from tests.sandbox.salesforce_org import OrgInMemory

PLAIN_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda text: text == text.strip()
)


def quoted(text: str) -> str:
    """Write a string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest.fixture
def org() -> OrgInMemory:
    """Make an org with two accounts, three contacts, tasks and campaign members."""
    made = OrgInMemory()
    acme = made.create("Account", Name="Acme", AnnualRevenue=10, NumberOfEmployees=5, Industry="Energy")
    bolt = made.create("Account", Name="Bolt", AnnualRevenue=30)
    ada = made.create("Contact", LastName="Ada", FirstName="Al", AccountId=acme, Email="ada@acme.example")
    bea = made.create("Contact", LastName="Bea", AccountId=bolt)
    made.create("Contact", LastName="Cy")
    campaign = made.create("Campaign", Name="Fair")
    made.create("CampaignMember", CampaignId=campaign, ContactId=ada, Status="Attended")
    made.create("Task", Subject="Call ada", WhoId=ada, WhatId=acme, ActivityDate="2026-07-01")
    made.create("Task", Subject="Mail bea", WhoId=bea, ActivityDate="2026-06-01")
    return made


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("Name = 'ACME'", ["Acme"]),
        ("Name != 'acme'", ["Bolt"]),
        ("Industry != 'Banking'", ["Acme", "Bolt"]),
        ("NOT Industry = 'Energy'", ["Bolt"]),
        ("NOT (Industry = 'Energy' OR AnnualRevenue > 100)", ["Bolt"]),
        ("Industry = null", ["Bolt"]),
        ("Industry = ''", ["Bolt"]),
        ("Industry NOT IN ('Banking')", ["Acme", "Bolt"]),
        ("Industry IN ('energy', null)", ["Acme", "Bolt"]),
        ("Name LIKE 'a_m%'", ["Acme"]),
        (r"Name LIKE 'a\_m%'", []),
        ("AnnualRevenue >= 10.0 AND AnnualRevenue < 30", ["Acme"]),
        ("NumberOfEmployees > 5", []),
        ("(Name = 'Acme' OR Name = 'Bolt') AND AnnualRevenue = 30", ["Bolt"]),
        ("CreatedDate = TODAY", ["Acme", "Bolt"]),
        ("CreatedDate < TODAY", []),
        ("CreatedDate >= LAST_N_DAYS:3 AND CreatedDate = THIS_MONTH", ["Acme", "Bolt"]),
        ("SystemModstamp >= 2026-07-01T12:00:00Z", ["Acme", "Bolt"]),
        ("SystemModstamp < 2026-07-01T14:00:00+02:00", []),
        ("Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Ada')", ["Acme"]),
        ("Id NOT IN (SELECT AccountId FROM Contact WHERE LastName = 'Ada')", ["Bolt"]),
        ("IsDeleted = false", ["Acme", "Bolt"]),
        ("Account.Name = 'Acme'", ["Acme"]),
        ("Owner.IsActive = true AND Owner.Profile.Name = 'Leadlight Integration'", ["Acme", "Bolt"]),
    ],
)
def test_conditions_choose_rows(org: OrgInMemory, where: str, names: list[str]) -> None:
    assert org.values(f"SELECT Name FROM Account WHERE {where} ORDER BY Name") == names  # noqa: S608 - SOQL


def test_ids_compare_in_both_lengths(org: OrgInMemory) -> None:
    (full,) = org.values("SELECT Id FROM Account WHERE Name = 'Acme'")
    assert org.values(f"SELECT Name FROM Account WHERE Id = '{full[:15]}'") == ["Acme"]  # noqa: S608 - SOQL
    assert org.values(f"SELECT Name FROM Account WHERE Id IN ('{full}', '{full[:15]}')") == ["Acme"]  # noqa: S608 - SOQL


def test_order_puts_nulls_first_unless_told(org: OrgInMemory) -> None:
    assert org.values("SELECT Industry FROM Account ORDER BY Industry") == [None, "Energy"]
    assert org.values("SELECT Industry FROM Account ORDER BY Industry DESC NULLS LAST") == ["Energy", None]
    assert org.values("SELECT Name FROM Account ORDER BY AnnualRevenue DESC LIMIT 1 OFFSET 1") == ["Acme"]


def test_parents_nest_and_empty_lookups_are_null(org: OrgInMemory) -> None:
    records = org.query("SELECT LastName, Account.Name, Account.Owner.Name FROM Contact ORDER BY LastName")["records"]
    assert records[0]["Account"]["attributes"]["type"] == "Account"
    assert records[0]["Account"]["Owner"]["Name"] == "Leadlight Connector"
    assert records[2]["Account"] is None
    assert list(records[0]) == ["attributes", "LastName", "Account"]


def test_polymorphic_parents_are_names_with_a_type(org: OrgInMemory) -> None:
    where = "Who.Type = 'Contact' AND What.Name = 'Acme'"
    (task,) = org.query(f"SELECT Who.Name, Who.Type, What.Name FROM Task WHERE {where}")["records"]  # noqa: S608 - SOQL
    assert task["Who"]["attributes"]["type"] == "Name"
    assert (task["Who"]["Name"], task["Who"]["Type"], task["What"]["Name"]) == ("Al Ada", "Contact", "Acme")


def test_typeof_takes_the_branch_of_the_record(org: OrgInMemory) -> None:
    soql = (
        "SELECT TYPEOF Who WHEN Contact THEN LastName, Email WHEN Lead THEN Company ELSE Name END,"
        " TYPEOF What WHEN Opportunity THEN StageName ELSE Name END FROM Task ORDER BY Subject"
    )
    first, second = org.query(soql)["records"]
    assert first["Who"]["Email"] == "ada@acme.example"
    assert first["What"]["attributes"]["type"] == "Account"
    assert first["What"]["Name"] == "Acme"
    assert second["What"] is None


def test_children_nest_with_their_own_order_and_limit(org: OrgInMemory) -> None:
    contacts = "(SELECT LastName FROM Contacts ORDER BY LastName DESC LIMIT 1)"
    soql = f"SELECT Name, {contacts}, (SELECT Id FROM Tasks) FROM Account"  # noqa: S608 - SOQL
    acme, bolt = org.query(soql)["records"]
    assert [child["LastName"] for child in acme["Contacts"]["records"]] == ["Ada"]
    assert acme["Tasks"]["totalSize"] == 1
    assert bolt["Tasks"] is None


def test_aggregates_group_and_filter(org: OrgInMemory) -> None:
    answer = org.query(
        "SELECT Account.Name n, COUNT(Id), MAX(LastName) m FROM Contact GROUP BY Account.Name"
        " HAVING COUNT(Id) >= 1 ORDER BY Account.Name NULLS LAST"
    )
    assert answer["records"][0] == {"attributes": {"type": "AggregateResult"}, "n": "Acme", "expr0": 1, "m": "Ada"}
    assert answer["totalSize"] == 3
    assert org.query("SELECT COUNT() FROM Contact")["totalSize"] == 3
    assert org.values("SELECT SUM(AnnualRevenue) FROM Account") == [40.0]
    assert org.values("SELECT COUNT_DISTINCT(OwnerId) FROM Account") == [1]


def test_fields_function_needs_a_limit(org: OrgInMemory) -> None:
    assert org.error("SELECT FIELDS(ALL) FROM Account")[0] == "MALFORMED_QUERY"
    (record,) = org.query("SELECT FIELDS(STANDARD) FROM Opportunity")["records"] or [{}]
    assert record == {}
    assert "BillingAddress" in org.query("SELECT FIELDS(ALL) FROM Account LIMIT 1")["records"][0]


def test_multiple_choices_are_matched_one_by_one(org: OrgInMemory) -> None:
    org.app.add_custom_field("Lead", FieldSpec("Topics__c", "multipicklist", 4099, values=("a", "b", "c")))
    org.create("Lead", LastName="L", Company="C", Topics__c="a;b")
    assert org.values("SELECT LastName FROM Lead WHERE Topics__c INCLUDES ('c', 'a;b')") == ["L"]
    assert org.values("SELECT LastName FROM Lead WHERE Topics__c EXCLUDES ('a')") == []


@pytest.mark.parametrize(
    ("soql", "code", "part"),
    [
        ("SELECT Foo FROM Lead", "INVALID_FIELD", "No such column 'Foo' on entity 'Lead'"),
        ("SELECT Id FROM Foo", "INVALID_TYPE", "sObject type 'Foo' is not supported"),
        ("SELECT Id FROM Lead WHERE A = 1 AND B = 2 OR C = 3", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT Id FROM Lead WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x"),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Lead WHERE CreatedDate = 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Lead WHERE ConvertedDate = 2026-01-01T00:00:00Z", "INVALID_FIELD", "must be of type date"),
        ("SELECT Id FROM Lead WHERE IsConverted > true", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator"),
        ("SELECT Id FROM Lead WHERE NumberOfEmployees = 'x'", "INVALID_FIELD", "must be of type int"),
        ("SELECT Id FROM Lead WHERE Email = ada@x.y", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id, Id FROM Lead", "MALFORMED_QUERY", "duplicate field selected"),
        ("SELECT Name n FROM Lead", "MALFORMED_QUERY", "aliasing"),
        ("SELECT Name, COUNT(Id) FROM Lead", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
        ("SELECT COUNT(), Name FROM Lead", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Lead LIMIT -1", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Lead OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", ""),
        ("SELECT Id FROM Lead ORDER BY Description", "MALFORMED_QUERY", "can not be sorted"),
        ("SELECT Id FROM Lead FOR VIEW", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Lead WHERE Name = 'a", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Lead WHERE Name = 'a\\q'", "MALFORMED_QUERY", "Illegal character"),
        ("SELECT Id, (SELECT Id FROM Foos) FROM Lead", "INVALID_TYPE", "Didn't understand relationship 'Foos'"),
        ("SELECT Id, Foo.Name FROM Lead", "INVALID_FIELD", "Didn't understand relationship 'Foo'"),
        ("SELECT Id FROM Lead WHERE Id IN (SELECT Name FROM Contact)", "MALFORMED_QUERY", "id fields"),
        ("DELETE FROM Lead", "MALFORMED_QUERY", ""),
        ("", "MALFORMED_QUERY", ""),
    ],
)
def test_what_is_not_known_is_refused(org: OrgInMemory, soql: str, code: str, part: str) -> None:
    found, message = org.error(soql)
    assert found == code
    assert part in message


def test_deep_nesting_is_refused_not_crashed(org: OrgInMemory) -> None:
    soql = "SELECT Id FROM Lead WHERE " + "(" * 3000 + "Name = 'a'" + ")" * 3000
    with pytest.raises(CrmError, match="nested too deeply"):
        parse(soql)


def test_error_points_at_the_word(org: OrgInMemory) -> None:
    _, message = org.error("SELECT Id,\nFoo FROM Lead")
    lines = message.split("\n")
    assert lines[1:4] == ["Foo FROM Lead", "^", "ERROR at Row:2:Column:1"]


@settings(max_examples=150, deadline=None)
@given(PLAIN_TEXT)
def test_any_text_survives_quoting(text: str) -> None:
    (token, _) = tokenize(quoted(text))
    assert token.kind == "string"
    assert unescape(token.text[1:-1]) == text


@settings(max_examples=60, deadline=None)
@given(st.lists(PLAIN_TEXT, min_size=1, max_size=4, unique_by=str.casefold), PLAIN_TEXT)
def test_quoted_text_finds_itself_alone(texts: list[str], other: str) -> None:
    org = OrgInMemory()
    for text in texts:
        org.put("Account", {"Name": text})
    for text in texts:
        assert org.values(f"SELECT Name FROM Account WHERE Name = {quoted(text)}") == [text]  # noqa: S608 - SOQL
    pattern = other.replace("\\", "\\\\").replace("'", "\\'").replace("%", "\\%").replace("_", "\\_")
    found = org.values(f"SELECT Name FROM Account WHERE Name LIKE '%{pattern}%' ORDER BY Id")  # noqa: S608 - SOQL
    assert set(found) >= {text for text in texts if other in text}
    assert all(other.casefold() in text.casefold() for text in found)


@settings(max_examples=100, deadline=None)
@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]))  # noqa: DTZ001 - made aware below
def test_stamps_compare_by_the_second(moment: datetime, operator: str) -> None:
    org = OrgInMemory()
    org.clock.set(datetime(2026, 7, 1, 12, 0, 0, 700_000, tzinfo=UTC))
    org.put("Account", {"Name": "A"})
    stamp, asked = datetime(2026, 7, 1, 12, tzinfo=UTC), moment.replace(tzinfo=UTC, microsecond=0)
    truths: dict[str, bool] = {
        "=": stamp == asked,
        "!=": stamp != asked,
        "<": stamp < asked,
        "<=": stamp <= asked,
        ">": stamp > asked,
        ">=": stamp >= asked,
    }
    soql = f"SELECT Name FROM Account WHERE SystemModstamp {operator} {asked:%Y-%m-%dT%H:%M:%SZ}"  # noqa: S608 - SOQL
    assert bool(org.values(soql)) is truths[operator]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("TODAY", "2026-07-01", "2026-07-02"),
        ("YESTERDAY", "2026-06-30", "2026-07-01"),
        ("LAST_WEEK", "2026-06-21", "2026-06-28"),
        ("THIS_MONTH", "2026-07-01", "2026-08-01"),
        ("LAST_QUARTER", "2026-04-01", "2026-07-01"),
        ("NEXT_YEAR", "2027-01-01", "2028-01-01"),
        ("LAST_N_DAYS:7", "2026-06-24", "2026-07-02"),
        ("LAST_90_DAYS", "2026-04-02", "2026-07-02"),
        ("NEXT_N_DAYS:2", "2026-07-02", "2026-07-04"),
        ("LAST_N_MONTHS:2", "2026-05-01", "2026-07-01"),
        ("NEXT_N_QUARTERS:1", "2026-10-01", "2027-01-01"),
        ("N_DAYS_AGO:3", "2026-06-28", "2026-06-29"),
    ],
)
def test_periods_are_half_open_ranges(text: str, start: str, end: str) -> None:
    assert period_range(text, date(2026, 7, 1)) == (date.fromisoformat(start), date.fromisoformat(end))


def test_pages_follow_the_order_and_say_the_whole_count() -> None:
    org = OrgInMemory()
    for number in range(450):
        org.put("Account", {"Name": f"A{number:03d}"})
    answer = org.answer(
        "GET",
        "/query",
        query={"q": "SELECT Name FROM Account ORDER BY Name DESC"},
        headers={"sforce-query-options": "batchSize=200"},
    )
    names: list[Any] = [record["Name"] for record in answer["records"]]
    locators = []
    while not answer["done"]:
        assert answer["totalSize"] == 450
        locators.append(answer["nextRecordsUrl"])
        answer = org.answer("GET", answer["nextRecordsUrl"])
        names += [record["Name"] for record in answer["records"]]
    assert names == [f"A{number:03d}" for number in reversed(range(450))]
    assert [locator.rsplit("-", 1)[1] for locator in locators] == ["200", "400"]
    assert "nextRecordsUrl" not in answer
    assert org.answer("GET", "/query/0r8Sb0000000009AAA-200")[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_long_text_makes_pages_of_a_thousand() -> None:
    org = OrgInMemory()
    for _ in range(1001):
        org.put("Account", {"Name": "A"})
    answer = org.query("SELECT Id, Description FROM Account")
    assert (len(answer["records"]), answer["done"]) == (1000, False)
    assert org.query("SELECT Id FROM Account")["done"] is True


def test_rows_too_new_are_not_yet_seen() -> None:
    org = OrgInMemory()
    org.create("Account", Name="Old")
    org.clock.advance(60)
    org.create("Account", Name="New")
    org.switches.read_lag_s = 30
    assert org.values("SELECT Name FROM Account") == ["Old"]
    org.clock.advance(timedelta(minutes=1).total_seconds())
    assert len(org.values("SELECT Name FROM Account")) == 2


def test_deleted_rows_are_seen_by_query_all_alone() -> None:
    org = OrgInMemory()
    own = org.create("Account", Name="Gone")
    org.send("DELETE", f"/sobjects/Account/{own}")
    assert org.values("SELECT Name FROM Account") == []
    (record,) = org.query("SELECT Name, IsDeleted FROM Account", "/queryAll")["records"]
    assert record["IsDeleted"] is True


def test_long_pages_say_the_same_as_short_ones() -> None:
    org = OrgInMemory()
    texts = ['a"b', "back\\slash", "line\nbreak\ttab", "naïve ☃ \u2028 𝄞", "\x01\x1f", "</script>", "x" * 3000, None]
    numbers = [0.1, 1e15, -2.5, 0.0, 12_345.67, None, 3.0]
    for number in range(120):
        fields = {"Name": f"A{number}", "Site": texts[number % 8], "AnnualRevenue": numbers[number % 7]}
        org.put("Account", {**fields, "NumberOfEmployees": number, "LastActivityDate": "2026-01-01"})
    names = "Id, Name, Site, AnnualRevenue, NumberOfEmployees, LastActivityDate, IsDeleted, CreatedDate, OwnerId"
    flat = org.query(f"SELECT {names} FROM Account")["records"]  # noqa: S608 - SOQL
    nested = org.query(f"SELECT {names}, Owner.Name FROM Account")["records"]  # noqa: S608 - SOQL
    assert len(flat) == 120
    assert [list(record) for record in flat[:1]] == [["attributes", *names.split(", ")]]
    assert flat == [{key: value for key, value in record.items() if key != "Owner"} for record in nested]
    pretty = org.send("GET", "/query", query={"q": f"SELECT {names} FROM Account"}, headers={"x-prettyprint": "1"})  # noqa: S608 - SOQL
    assert json.loads(pretty.body)["records"] == flat
    assert pretty.body.startswith(b'{\n  "totalSize" : 120,\n  "done" : true,\n  "records" : [')
