"""Who has a part in a deal is known by it, and what became of the deal is theirs; what stood in a field stays known."""

import pytest

from connector.credits import outcomes
from connector.reading import open_reading
from tests.loop.loops import CLERK, DIRECTOR, Loop
from tests.loop.signals import model_of, scored, totals, use_model
from tests.loop.test_salesforce_conversions import API, convert, full_and_short, kept

pytestmark = pytest.mark.parametrize("crm", ["salesforce"])
BUYER = """
[[fit]]
id = "buyer"
label = "decides"
when = { field = "buying_role", is = "economic_buyer" }
points = 25
"""


def deal(loop: Loop, *roles: tuple[str, str], stage: str = "Prospecting") -> str:
    """Make an opportunity of 1,000 with contact roles, the first the primary one; gives its id."""
    account = loop.records("Account")[0]["id"]
    body = {"Name": "Deal", "AccountId": account, "StageName": stage, "CloseDate": "2026-06-30", "Amount": 1000}
    made = str(loop.ask("POST", f"{API}Opportunity", json=body)["id"])
    for place, (contact, role) in enumerate(roles):
        told = {"OpportunityId": made, "ContactId": contact, "Role": role, "IsPrimary": place == 0}
        loop.ask("POST", f"{API}OpportunityContactRole", json=told)
    return made


@pytest.mark.signal("Salesforce (Sales Cloud)")
def test_the_role_in_a_deal_is_a_fact_about_the_contact(fresh: Loop) -> None:
    use_model(fresh, model_of({}, BUYER))
    buyer, clerk = fresh.people()["p03"]["id"], fresh.people()["p23"]["id"]
    scored(fresh)
    deal(fresh, (buyer, "Economic Buyer"), (clerk, "Business User"))
    fresh.advance(60)
    found = full_and_short(fresh)
    assert (found[buyer], found[clerk]) == (25, 0)
    deal(fresh, (buyer, "Influencer"))  # the newest deal counts
    fresh.advance(60)
    assert full_and_short(fresh)[buyer] == 0
    assert totals(fresh)[clerk] == 0


def test_a_role_that_is_changed_or_taken_away_after_it_was_scored_is_seen(fresh: Loop) -> None:
    use_model(fresh, model_of({}, BUYER))
    buyer = fresh.people()["p03"]["id"]
    deal(fresh, (buyer, "Influencer"))
    fresh.advance(60)
    scored(fresh)
    assert totals(fresh)[buyer] == 0
    role = f"{API}OpportunityContactRole/{fresh.records('OpportunityContactRole')[-1]['id']}"
    fresh.ask("PATCH", role, json={"Role": "Economic Buyer"})
    fresh.advance(60)
    assert full_and_short(fresh)[buyer] == 25
    fresh.ask("DELETE", role)
    fresh.advance(60)
    assert full_and_short(fresh)[buyer] == 0


def test_an_outcome_is_of_all_who_had_a_part_and_its_amount_counts_once(fresh: Loop) -> None:
    first, second = fresh.people()["p03"]["id"], fresh.people()["p23"]["id"]
    won = deal(fresh, (second, "Decision Maker"), (first, "Evaluator"), stage="Closed Won")
    open_ = deal(fresh)
    scored(fresh)
    with open_reading(fresh.config) as reading, reading.engine() as engine:
        select = f"SELECT outcome_id, person_id, amount FROM {outcomes(reading.lake)} ORDER BY ALL"  # noqa: S608 - our own
        rows = engine.execute(select).fetchall()
    expected = [
        *((f"{won}:{kind}:{first}", first, None) for kind in ("closed_won", "opportunity_created")),
        *((f"{won}:{kind}:{second}", second, 1000) for kind in ("closed_won", "opportunity_created")),
    ]
    assert [row for row in rows if row[0].startswith(won)] == sorted(expected)
    assert [row for row in rows if row[0].startswith(open_)] == [(f"{open_}:opportunity_created", None, 1000)]


def test_what_stood_in_a_field_before_is_kept(fresh: Loop) -> None:
    lead = fresh.people()["p20"]
    fresh.edit(lead, Status="Working - Contacted")
    fresh.edit(lead, Title=DIRECTOR, Phone="+1 555 0100")
    convert(fresh, lead["id"])
    scored(fresh)
    rows = [row for row in kept(fresh, "history") if row["subject_id"] == lead["id"]]
    told = {(row["object"], row["field"], row["old"], row["new"]) for row in rows}
    assert ("Lead", "Status", "Open - Not Contacted", "Working - Contacted") in told
    assert ("Lead", "Title", CLERK, DIRECTOR) in told
    assert ("Lead", "leadConverted", None, None) in told
    assert not [row for row in rows if row["field"] == "Phone"]
    fresh.advance(60)
    scored(fresh)
    assert len([row for row in kept(fresh, "history") if row["subject_id"] == lead["id"]]) == len(rows)
