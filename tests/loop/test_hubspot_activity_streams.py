"""Marketing events, lists, custom events and marketing mails of HubSpot: read once, and cheap where nothing is new."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.provisioning import provision
from connector.reading import open_reading
from tests.loop.hubspot_activity import asked, events, form, scopes_without, submit
from tests.loop.loops import Loop, add_model, copy_of, make_template
from tests.loop.signals import model_of, scored, totals, use_model

LISTED = """extends = "hubspot"

[read."list:Trial users"]
table = "events"
optional = true
key = "id"
modified = "joinedAt"
person = "contactId"
occurred_at = "joinedAt"
event = [ { type = "list_joined", asset = "listName" } ]
"""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template("hubspot", tmp_path_factory.mktemp("hubspot-streams"))


@pytest.fixture
def loop(template: Path, tmp_path: Path) -> Iterator[Loop]:
    with copy_of("hubspot", template, tmp_path / "loop") as loop:
        yield loop


def use_mapping(loop: Loop, mapping: str) -> None:
    """Give the loop a mapping of its own."""
    (loop.folder / "own.toml").write_text(mapping, encoding="utf-8")
    text = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(text.replace('mapping = "hubspot"', 'mapping = "own.toml"', 1), encoding="utf-8")


def ids(loop: Loop, *names: str) -> list[str]:
    people = loop.people()
    return [people[name]["id"] for name in names]


def take_part(loop: Loop, event: str, who: str, state: str, **more: object) -> None:
    loop.control("participation", {"event": event, "contact": ids(loop, who)[0], "state": state, **more})
    loop.advance(60)


def test_who_registers_and_who_comes_to_a_webinar_is_read_once(loop: Loop) -> None:
    webinar = loop.control("marketing_event", {"name": "Scoring in practice"})["id"]
    called_off = loop.control("marketing_event", {"name": "Called off", "cancelled": True})["id"]
    for who in ("p09", "p10", "p11"):
        take_part(loop, webinar, who, "REGISTERED")
    take_part(loop, called_off, "p12", "REGISTERED")
    loop.sync()
    take_part(loop, webinar, "p09", "ATTENDED", duration_s=2700)
    take_part(loop, webinar, "p10", "CANCELLED")
    take_part(loop, webinar, "p11", "NO_SHOW")
    loop.sync()
    first, second, third = ids(loop, "p09", "p10", "p11")
    found = events(loop, "webinar_registered", "webinar_attended", "webinar_cancelled", "webinar_no_show")
    assert [(row["type"], row["person_id"], row["value"]) for row in found] == [
        ("webinar_registered", first, None),
        ("webinar_registered", second, None),
        ("webinar_registered", third, None),
        ("webinar_attended", first, 45),
        ("webinar_cancelled", second, None),
        ("webinar_no_show", third, None),
    ]
    assert {row["asset"] for row in found} == {"Scoring in practice"}
    mark = loop.mark()
    loop.sync()
    assert asked(loop, mark, "/breakdown") == 0


def test_who_joins_a_list_is_read_from_where_the_last_look_ended(loop: Loop) -> None:
    use_mapping(loop, LISTED)
    body = {"name": "Trial users", "objectTypeId": "0-1", "processingType": "MANUAL"}
    number = loop.ask("POST", "/crm/v3/lists", json=body)["list"]["listId"]
    joined = ids(loop, "p09", "p10")
    loop.ask("PUT", f"/crm/v3/lists/{number}/memberships/add", json=joined)
    loop.sync()
    loop.advance(60)
    loop.ask("PUT", f"/crm/v3/lists/{number}/memberships/add", json=ids(loop, "p11"))
    loop.ask("PUT", f"/crm/v3/lists/{number}/memberships/remove", json=joined[:1])
    mark = loop.mark()
    loop.sync()
    found = events(loop, "list_joined")
    assert [(row["person_id"], row["asset"]) for row in found] == [
        (one, "Trial users") for one in (*joined, *ids(loop, "p11"))
    ]
    assert asked(loop, mark, "/join-order") == 1


def test_a_custom_event_of_any_name_counts_under_it(loop: Loop) -> None:
    person, other = ids(loop, "p09", "p10")
    loop.control(
        "event", {"event_type": "pe4242424_drift_conversation", "id": person, "properties": {"url": "/pricing"}}
    )
    loop.control("event", {"event_type": "pe4242424_invited_team", "id": other, "properties": {"value": "3"}})
    loop.control("event", {"event_type": "pe4242424_web_activity", "id": other, "properties": {"type": "trial_start"}})
    loop.advance(60)
    loop.sync()
    found = events(loop, "chat", "invited_team", "trial_start")
    assert [(row["type"], row["person_id"], row["url"], row["value"]) for row in found] == [
        ("chat", person, "/pricing", None),
        ("invited_team", other, None, 3),
        ("trial_start", other, None, None),
    ]
    loop.control("event", {"event_type": "pe4242424_invited_team", "id": person})
    loop.advance(60)
    loop.sync()
    assert len(events(loop, "invited_team")) == 2


def test_what_happens_to_marketing_mails_is_read_by_its_date(loop: Loop) -> None:
    (person,) = ids(loop, "p09")
    for kind in ("e_opened_email_v2", "e_clicked_link_in_email_v2", "e_replied_email_v2", "e_mta_bounced_email_v2"):
        loop.control("event", {"event_type": kind, "id": person})
        loop.advance(60)
    for told in ("true", "false"):
        changed = {"hs_subscription_unsubscribe": told}
        loop.control(
            "event", {"event_type": "e_updated_email_subscription_status_v2", "id": person, "properties": changed}
        )
    loop.sync()
    found = events(loop, "email_open", "email_click", "email_reply", "email_bounce", "unsubscribe")
    assert [row["type"] for row in found] == ["email_open", "email_click", "email_reply", "email_bounce", "unsubscribe"]
    assert {row["person_id"] for row in found} == {person}


def test_without_their_scopes_all_of_them_are_left_out_calmly(loop: Loop) -> None:
    loop.control("marketing_event", {"name": "Scoring in practice"})
    scopes_without(loop, "forms", "business-intelligence", "crm.objects.marketing_events.read")
    provision(loop.config)
    outcome = loop.sync()
    assert (outcome.status, outcome.switched_off) == ("ok", ())
    mark = loop.mark()
    loop.sync()
    assert asked(loop, mark, "/events/v3/events/") == 1
    assert asked(loop, mark, "/marketing/v3/") == 2  # the refused lists of forms and of marketing events


def stored(loop: Loop, table: str, column: str, value: str) -> int:
    """Count the rows of a table of the store that hold a value."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation(table)
        select = f"SELECT count(*) FROM {relation} WHERE {column} = ?"  # noqa: S608 - our own files
        row = engine.execute(select, [value]).fetchone() if relation else None
    return int(row[0]) if row else 0


def test_who_was_deleted_for_privacy_leaves_the_store_and_a_merged_one_does_not(loop: Loop) -> None:
    loop.sync(backfill=True)
    gone, winner, loser = ids(loop, "p08", "p09", "p10")
    assert min(stored(loop, "events", "person_id", one) for one in (gone, winner, loser)) > 0
    loop.ask("POST", "/crm/v3/objects/contacts/gdpr-delete", json={"objectId": gone})
    merged = loop.control("merge", {"object": "contacts", "winner": winner, "losers": [loser]})["id"]
    assert gone not in {one["id"] for one in loop.ask("GET", "/crm/v3/objects/contacts?archived=true")["results"]}
    loop.advance(60)
    loop.sync()
    assert stored(loop, "people", "person_id", gone) == 1  # it may be a merge that is not told yet
    loop.advance(60)
    mark = loop.mark()
    assert loop.sync().status == "ok"
    assert [stored(loop, table, "person_id", gone) for table in ("people", "events")] == [0, 0]
    assert stored(loop, "scores", "subject_id", gone) == 0
    assert stored(loop, "mirror", "record_id", gone) == 0
    assert not [row for row in loop.writes(mark) if row["id"] == gone]
    assert float({one["id"]: one for one in loop.records("contacts")}[merged]["fields"]["leadlight_score"]) > 10


HISTORY = """extends = "hubspot"

[read."history:contacts:lifecyclestage,jobtitle"]
table = "history"
optional = true
key = "id"
modified = "changedAt"
[read."history:contacts:lifecyclestage,jobtitle".fields]
object = { value = "contacts" }
subject_id = "recordId"
field = "property"
old = "old"
new = "new"
changed_at = "changedAt"
"""


def test_what_stood_in_a_property_before_is_kept(loop: Loop) -> None:
    use_mapping(loop, HISTORY)
    person, who = ids(loop, "p09")[0], loop.people()["p09"]
    loop.edit(who, lifecyclestage="opportunity")
    loop.advance(60)
    loop.sync()
    assert changes(loop, person) == [
        ("jobtitle", None, "Clerk"),
        ("lifecyclestage", None, "lead"),
        ("lifecyclestage", "lead", "opportunity"),
    ]
    loop.edit(who, lifecyclestage="customer")
    loop.advance(60)
    mark = loop.mark()
    loop.sync()
    assert changes(loop, person)[-1] == ("lifecyclestage", "opportunity", "customer")
    assert len(changes(loop, person)) == 4
    assert asked(loop, mark, "/contacts/batch/read") <= 3


def changes(loop: Loop, person: str) -> list[tuple[str, str | None, str | None]]:
    """Read what was in a person's properties, in the order of time."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        relation = reading.lake.relation("history")
        select = f"SELECT field, old, new FROM {relation} WHERE subject_id = ? ORDER BY changed_at, field"  # noqa: S608 - our own files
        return [tuple(row) for row in engine.execute(select, [person]).fetchall()]


ACCOUNT_MODEL = """
[model]
id = "firms"
subject = "account"

[[engagement]]
id = "chat"
event = "chat"
points = 5
cap = 100

[[band]]
id = "warm"
"""


def test_the_survivor_of_a_merge_has_the_activity_of_both_and_of_both_companies(loop: Loop) -> None:
    use_model(loop, model_of({"form_submission": 5, "webinar_attended": 20}))
    winner, loser = ids(loop, "p15", "p16")
    guide, webinar = form(loop, "Guide"), loop.control("marketing_event", {"name": "Scoring"})["id"]
    for who in ("p15", "p16"):
        submit(loop, guide, f"{who}@acme.example")
    take_part(loop, webinar, "p16", "ATTENDED")
    scored(loop)
    merged = loop.control("merge", {"object": "contacts", "winner": winner, "losers": [loser]})["id"]
    submit(loop, guide, "p16@acme.example")  # by the address that was the loser's
    scored(loop, changed_only=True)
    few = totals(loop)
    assert few[merged] == 3 * 5 + 20
    assert not {winner, loser} & few.keys()
    scored(loop)
    assert totals(loop) == few


def test_a_merged_companys_events_count_for_the_one_that_stays(loop: Loop) -> None:
    add_model(loop.config, "firms.toml", ACCOUNT_MODEL)
    first, second = (
        loop.ask("POST", "/crm/v3/objects/companies", json={"properties": {"name": name}})["id"] for name in ("A", "B")
    )
    for company in (first, second):
        loop.control("event", {"event_type": "pe4242424_chat_started", "id": company, "object": "companies"})
        loop.advance(60)
    scored(loop)
    assert totals(loop, "account_scores")[second] == 5
    merged = loop.control("merge", {"object": "companies", "winner": first, "losers": [second]})["id"]
    loop.advance(60)
    scored(loop, changed_only=True)
    few = totals(loop, "account_scores")
    assert few[merged] == 10
    assert not {first, second} & few.keys()
    scored(loop)
    assert totals(loop, "account_scores") == few


def test_a_merge_that_the_index_tells_late_is_no_deletion(loop: Loop) -> None:
    use_model(loop, model_of({"call": 5}))
    scored(loop)
    winner, loser = ids(loop, "p08", "p09")
    loop.control("settings", {"search_lag_s": 600})
    missing = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": [loser]}}
    body = {"status": "COMPLETE", "results": [], "errors": [missing], "numErrors": 1}
    rule = {"match": {"method": "POST", "path_re": "/contacts/batch/read", "nth": 1}}
    merged = loop.control("merge", {"object": "contacts", "winner": winner, "losers": [loser]})["id"]
    loop.control("faults", [{**rule, "act": {"status": 207, "body": body}}])  # an old id that is not known any more
    scored(loop)
    loop.control("faults", method="DELETE")
    loop.control("settings", {"search_lag_s": 0})
    loop.advance(60)
    scored(loop)
    assert totals(loop)[merged] == 4 * 5
