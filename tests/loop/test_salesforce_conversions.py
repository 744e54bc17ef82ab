"""What a lead did counts for the contact it became, and what was kept of somebody leaves with them."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from connector.compose import open_job
from connector.job import Silent
from connector.pull import pull_stage
from connector.reading import open_reading
from connector.training.store import newest_pull, stored_facts
from tests.loop.loops import CHIEF, CLERK, Loop
from tests.loop.signals import events_behind, model_of, scored, totals, use_model

pytestmark = pytest.mark.parametrize("crm", ["salesforce"])
POINTS = {"call": 1, "page_view": 10, "webinar_attended": 100}
API = "/services/data/v62.0/sobjects/"


def web_visit(loop: Loop, lead_id: str, minute: int = 0) -> str:
    """Let a marketing tool sync a page view of a lead, as it goes on doing after a conversion."""
    body = {"Lead__c": lead_id, "Type__c": "page_view", "Occurred_At__c": f"2026-06-30T12:{minute:02d}:00Z"}
    return str(loop.ask("POST", f"{API}Web_Activity__c", json=body)["id"])


def attend(loop: Loop, lead_id: str) -> None:
    """Put a lead on a webinar's campaign as one who came."""
    campaign = loop.ask("POST", f"{API}Campaign", json={"Name": "Demo day", "Type": "Webinar"})["id"]
    loop.ask("POST", f"{API}CampaignMember", json={"CampaignId": campaign, "LeadId": lead_id, "Status": "Attended"})


def call(loop: Loop, person_id: str) -> None:
    """Log a call with somebody."""
    done = {"Subject": "Call", "TaskSubtype": "Call", "Status": "Completed", "WhoId": person_id}
    loop.ask("POST", f"{API}Task", json=done)


def convert(loop: Loop, lead_id: str, **into: str) -> str:
    """Convert a lead as a rep does, who then owns what it becomes; gives the contact."""
    owner = next(user["id"] for user in loop.records("User") if user["fields"]["LastName"] == "Person")
    told = loop.control("convert", {"id": lead_id, "owner_id": owner, **into})
    return str(told["contact_id"])


def kept(loop: Loop, table: str) -> list[dict[str, Any]]:
    """List the rows of a table of the store."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation(table)
        if relation is None:
            return []
        rows = engine.sql(f"SELECT * FROM {relation}").to_arrow_table()  # noqa: S608 - a file list
        return list(rows.to_pylist())


def full_and_short(loop: Loop) -> dict[str, float]:
    """Score what changed, then everybody, as of the same instant; both must give the same totals."""
    short = scored(loop, changed_only=True)
    assert short.kept != {}
    found = totals(loop)
    scored(loop, as_of=short.as_of)
    assert totals(loop) == found
    return found


@pytest.mark.signal("Salesforce (Sales Cloud)")
def test_the_history_of_a_lead_counts_for_its_contact(fresh: Loop) -> None:
    use_model(fresh, model_of(POINTS))
    lead = fresh.people()["p20"]["id"]
    web_visit(fresh, lead)
    attend(fresh, lead)
    call(fresh, lead)
    scored(fresh)
    assert totals(fresh)[lead] == 111
    contact = convert(fresh, lead)
    fresh.advance(60)
    found = full_and_short(fresh)
    assert lead not in found
    assert found[contact] == 111
    assert events_behind(fresh, contact) == {"call": 1, "page_view": 1, "webinar_attended": 1}
    assert {row["person_id"] for row in kept(fresh, "events") if row["type"] == "page_view"} == {lead}  # as it came


def test_what_comes_to_a_converted_lead_counts_for_its_contact(fresh: Loop) -> None:
    use_model(fresh, model_of(POINTS))
    lead, contact = fresh.people()["p20"]["id"], fresh.people()["p23"]["id"]
    scored(fresh)
    convert(fresh, lead, contact_id=contact)
    fresh.advance(60)
    scored(fresh)
    web_visit(fresh, lead)
    fresh.advance(60)
    assert full_and_short(fresh)[contact] == 10


def test_a_contact_that_was_a_lead_and_is_merged_away_is_followed_to_the_end(fresh: Loop) -> None:
    use_model(fresh, model_of(POINTS))
    lead, winner = fresh.people()["p20"]["id"], fresh.people()["p23"]["id"]
    web_visit(fresh, lead)
    scored(fresh)
    made = convert(fresh, lead)
    fresh.advance(60)
    assert full_and_short(fresh)[made] == 10
    fresh.control("merge", {"object": "Contact", "winner": winner, "losers": [made]})
    fresh.advance(60)
    found = full_and_short(fresh)
    assert made not in found
    assert found[winner] == 10


def test_a_merged_lead_that_comes_back_has_its_own_history_again(fresh: Loop) -> None:
    use_model(fresh, model_of(POINTS))
    winner, loser = fresh.people()["p20"]["id"], fresh.people()["p21"]["id"]
    visit = web_visit(fresh, loser)
    scored(fresh)
    fresh.control("merge", {"object": "Lead", "winner": winner, "losers": [loser]})
    fresh.edit({"object": "Web_Activity__c", "id": visit}, Lead__c=loser)  # a tool writes the id it knows
    fresh.advance(60)
    assert full_and_short(fresh)[winner] == 10
    fresh.control("undelete", {"object": "Lead", "id": loser})
    fresh.advance(60)
    found = full_and_short(fresh)
    assert (found[winner], found[loser]) == (0, 10)


@pytest.mark.fault("I5")
def test_nothing_of_a_deleted_person_stays(fresh: Loop) -> None:
    use_model(fresh, model_of(POINTS))
    lead = fresh.people()["p20"]["id"]
    web_visit(fresh, lead)
    call(fresh, lead)
    scored(fresh)
    assert len([row for row in kept(fresh, "events") if row["person_id"] == lead]) == 2
    fresh.ask("DELETE", f"{API}Lead/{lead}")
    fresh.advance(60)
    assert lead not in full_and_short(fresh)
    assert [row for row in kept(fresh, "events") if row["person_id"] == lead] == []
    web_visit(fresh, fresh.people()["p21"]["id"], 1)
    orphan = web_visit(fresh, fresh.people()["p21"]["id"], 2)
    fresh.edit({"object": "Web_Activity__c", "id": orphan}, Lead__c=lead)  # late news of somebody who is gone
    fresh.advance(60)
    full_and_short(fresh)
    assert [row for row in kept(fresh, "events") if row["person_id"] == lead] == []


@pytest.mark.fault("I5")
def test_nothing_of_a_person_who_is_deleted_for_good_stays(fresh: Loop) -> None:
    use_model(fresh, model_of(POINTS))
    lead = fresh.people()["p20"]["id"]
    web_visit(fresh, lead)
    call(fresh, lead)
    scored(fresh)
    fresh.control("purge", {"object": "Lead", "id": lead})
    fresh.advance(120)
    assert lead not in full_and_short(fresh)
    assert [row for row in kept(fresh, "events") if row["person_id"] == lead] == []
    assert [row for row in kept(fresh, "people") if row["person_id"] == lead] == []
    assert [row for row in kept(fresh, "mirror") if row["record_id"] == lead] == []


@dataclass
class Deleting(Silent):
    """Delete a mail as soon as its own page is read."""

    loop: Loop
    mail: str
    object: str = ""

    def begin(self, name: str) -> None:
        self.object = name

    def advance(self, n: int) -> None:
        if self.object == "pull EmailMessage" and n:
            self.loop.edit({"object": "EmailMessage", "id": self.mail}, IsDeleted=True)
            self.object = ""


def test_a_record_that_is_deleted_while_it_is_read_leaves_nothing(fresh: Loop) -> None:
    person = fresh.people()["p20"]["id"]
    fresh.control("mail", {"person": person})
    scored(fresh)
    assert len([row for row in kept(fresh, "events") if "02s" in row["event_id"]]) == 1
    mail = fresh.control("mail", {"person": person})["mail_id"]
    fresh.control("mail_state", {"mail": mail, "opened_at": "2026-06-30T13:00:00Z"})
    own = 'extends = "salesforce"\n[read.EmailMessage]\naccount = "RelatedToId"\n'  # another table is read whole
    (fresh.folder / "own.toml").write_text(own, encoding="utf-8")
    text = fresh.config.read_text(encoding="utf-8")
    fresh.config.write_text(text.replace('mapping = "salesforce"', 'mapping = "own.toml"'), encoding="utf-8")
    fresh.advance(60)
    with open_job(fresh.config, writer=True) as job:
        pull_stage(replace(job, progress=Deleting(fresh, mail)))
    assert not [row for row in kept(fresh, "events") if mail in row["event_id"]]


def test_a_contact_is_read_as_the_lead_that_it_was(fresh: Loop) -> None:
    people = fresh.people()
    leads = people["p20"]["id"], people["p21"]["id"]
    fresh.sync()
    contact = convert(fresh, leads[0])
    convert(fresh, leads[1], contact_id=people["p23"]["id"])
    became = {"object": "Contact", "id": contact}
    fresh.edit(became, **{fresh.words.title: CHIEF})
    fresh.advance(60)
    fresh.sync()
    with open_reading(fresh.config) as reading, reading.engine() as engine:
        history = stored_facts(reading, newest_pull(reading))["history"]
        rows = engine.execute(f"SELECT subject_id, field, old, new FROM {history}").fetchall()  # noqa: S608 - a file list
    changed = {field: (old, new) for who, field, old, new in rows if who == contact}
    assert changed["lead.title"] == (CLERK, CHIEF)
    assert changed["lead.seniority"][1] == "c_level"
    assert {who for who, field, _, _ in rows if field.startswith("lead.")} == {contact}
