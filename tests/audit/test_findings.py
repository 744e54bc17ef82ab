"""Each finding is told of facts that were spoiled in its way, and of no others; good facts have none."""

from pathlib import Path

import pytest

from connector.audit.finding import Audit, Finding
from connector.settings.audit import AuditSettings
from connector.settings.enrichment import EnrichSettings
from scoring.model import Model
from tests.audit.facts import MODEL, judged, model_of, named

SPOILED = {
    ("fields", "fill", "seniority"): ["UPDATE people SET seniority = NULL, title = NULL WHERE person_id > 'p2'"],
    ("fields", "fill", "account.industry"): ["UPDATE accounts SET industry = ' ' WHERE account_id > 'a3'"],
    ("fields", "unread", "seniority"): ["UPDATE people SET seniority = NULL WHERE person_id LIKE '%3'",
                                        "UPDATE people SET seniority = NULL WHERE person_id LIKE '%7'",
                                        "UPDATE people SET seniority = NULL WHERE person_id LIKE '%9'"],
    ("fields", "free_text", "account.industry"): [
        "UPDATE accounts SET industry = NULL",
        "ALTER TABLE people ADD COLUMN industry VARCHAR",
        "UPDATE people SET industry = CASE WHEN person_id < 'p2' THEN 'Software' ELSE 'We do ' || person_id END",
    ],
    ("fields", "unmatched", "account.industry"): ["UPDATE accounts SET industry = 'IT - ' || industry"],
    ("duplicates", "email", "people by email"): [
        "UPDATE people SET email = 'P1@firm1.example' WHERE person_id LIKE '%1' AND person_id < 'p3'"
    ],
    ("duplicates", "phone and name", "people by phone and name"): [
        "UPDATE people SET phone = '030/1234567' WHERE person_id < 'p12'",
        "UPDATE mirror SET name = 'Ann Lee' WHERE record_id < 'p12'",
    ],
    ("duplicates", "name and company", "people by name and company"): [
        "UPDATE mirror SET name = 'Ann  Lée'  WHERE record_id < 'p2'",
        "UPDATE people SET account_id = NULL, company = 'Acme Ltd.' WHERE person_id < 'p2'",
    ],
    ("duplicates", "domain", "accounts by domain"): [
        "UPDATE accounts SET domain = 'ACME.example' WHERE account_id < 'a2'"
    ],
    ("duplicates", "name", "accounts by name"): [
        "UPDATE accounts SET name = 'Acmé GmbH & Co. KG' WHERE account_id < 'a15'",
        "UPDATE accounts SET name = 'ACME, Inc.' WHERE account_id BETWEEN 'a15' AND 'a19'",
    ],
    ("consistency", "created_after_converted", "people"): [
        "UPDATE people SET converted_at = created_at - INTERVAL 1 DAY WHERE person_id < 'p2'"
    ],
    ("consistency", "created_later", "people"): [
        "UPDATE people SET created_at = TIMESTAMP '2027-01-01' WHERE person_id < 'p2'"
    ],
    ("consistency", "happens_later", "events"): [
        "UPDATE events SET occurred_at = TIMESTAMP '2027-01-01' WHERE event_id LIKE 'e13_%'"
    ],
    ("consistency", "employees_impossible", "accounts"): ["UPDATE accounts SET employees = 0 WHERE account_id < 'a2'"],
    ("consistency", "revenue_impossible", "accounts"): ["UPDATE accounts SET revenue = -1 WHERE account_id < 'a2'"],
    ("consistency", "country_unknown", "people"): ["UPDATE people SET country = 'Atlantis' WHERE person_id LIKE '%3'"],
    ("consistency", "band_unknown", "people"): ["UPDATE mirror SET band = 'scorching' WHERE record_id < 'p2'"],
    ("outcomes", "missing", "outcomes"): ["DELETE FROM outcomes"],
    ("outcomes", "closed_won", "outcomes"): ["DELETE FROM outcomes WHERE kind = 'closed_won' AND person_id > 'p3'"],
    ("outcomes", "closed_lost", "outcomes"): ["DELETE FROM outcomes WHERE kind = 'closed_lost'"],
    ("outcomes", "without_person", "outcomes"): ["UPDATE outcomes SET person_id = NULL WHERE person_id > 'p14'"],
    ("activity", "silent", "call"): ["DELETE FROM events WHERE type = 'call' AND occurred_at > TIMESTAMP '2026-06-20'"],
    ("activity", "step", "call"): [
        "INSERT INTO events SELECT 'x' || i, 'call', 'p1', NULL, TIMESTAMP '2026-06-29' FROM range(90) r(i)"
    ],
    ("activity", "new_type", "chat"): [
        "INSERT INTO events SELECT 'x' || i, 'chat', 'p1', NULL, TIMESTAMP '2026-06-29' FROM range(20) r(i)"
    ],
    ("activity", "never_came", "call"): ["DELETE FROM events WHERE type = 'call'"],
    ("activity", "missing", "events"): ["DELETE FROM events"],
    ("activity", "url_vanished", "pricing"): [
        "UPDATE events SET url = 'https://x.example/plans' WHERE occurred_at > TIMESTAMP '2026-06-16'"
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return model_of(tmp_path_factory.mktemp("model"))


def one(found: Audit, check: str) -> Finding:
    (finding,) = [finding for finding in found.findings if finding.check == check]
    return finding


def test_good_facts_have_no_findings(model: Model) -> None:
    found = judged(model)
    assert named(found) == set()
    assert (found.overall, {area.name: area.score for area in found.areas}) == (
        100,
        dict.fromkeys(("fields", "activity", "outcomes", "duplicates", "consistency"), 100),
    )


@pytest.mark.parametrize("wanted", SPOILED, ids=" ".join)
def test_what_is_spoiled_is_told_and_nothing_else(model: Model, wanted: tuple[str, str, str]) -> None:
    found = judged(model, SPOILED[wanted])
    assert named(found) == {wanted}
    score = found.score(wanted[0])
    assert score is not None
    assert (score < 100) != (wanted[1] in ("new_type", "never_came", "unmatched", "free_text"))
    assert found.findings[0].next_step


def test_a_finding_names_the_rules_it_weakens_and_their_points(model: Model) -> None:
    found = judged(model, SPOILED["fields", "fill", "seniority"])
    weakened = [(rule.rule_id, rule.points) for rule in one(found, "fill").weakens]
    assert weakened == [("chief", 20)]
    found = judged(model, SPOILED["activity", "silent", "call"])
    assert [str(rule) for rule in one(found, "silent").weakens] == ["call (+10)"]
    found = judged(model, SPOILED["consistency", "employees_impossible", "accounts"])
    assert [(rule.rule_id, rule.points) for rule in one(found, "employees_impossible").weakens] == [("size", 10)]


def test_what_no_rule_reads_is_only_a_note(model: Model) -> None:
    found = judged(model, SPOILED["consistency", "revenue_impossible", "accounts"])
    assert one(found, "revenue_impossible").severity == "note"


def test_a_field_is_stale_by_its_record(model: Model) -> None:
    spoil = ["UPDATE mirror SET modified_at = TIMESTAMPTZ '2023-01-01 00:00:00+00' WHERE record_id < 'p3'"]
    found = judged(model, spoil)
    assert ("fields", "stale", "country") in named(found)
    assert ("fields", "stale", "account.employees") not in named(found)


def test_an_enriched_field_is_stale_by_its_observations(model: Model) -> None:
    enrich = EnrichSettings(attribute="employees", vendors=("zoominfo",), max_age_days=90)
    spoil = ["CREATE SCHEMA facts", "CREATE TABLE facts.ever AS SELECT * FROM accounts"]
    spoil += ["UPDATE accounts SET employees = NULL WHERE account_id < 'a4'"]
    found = judged(model, spoil, enriches=(enrich,), unaged={"accounts": "facts.ever"})
    assert named(found) == {("fields", "stale", "account.employees")}
    assert one(found, "stale").measured == pytest.approx(34 / 100)


def test_a_vendor_s_text_in_which_nothing_is_read_is_told(model: Model) -> None:
    enrich = EnrichSettings(attribute="employees", vendors=("zoominfo",), transform="number")
    spoil = [
        """CREATE TABLE said AS
        SELECT 'account' AS role, account_id AS subject_id, 'employees' AS name,
          CASE WHEN account_id < 'a4' THEN 'many' ELSE '12' END AS value
        FROM accounts""",
        "CREATE TABLE read AS SELECT * FROM (VALUES ('number:many', NULL), ('number:12', '12')) t(word_id, meaning)",
    ]
    found = judged(model, spoil, enriches=(enrich,), words="read", attributes="said")
    assert named(found) == {("fields", "unread", "account.employees")}


def test_what_everybody_shares_tells_nobody_apart(model: Model) -> None:
    shared = ["UPDATE accounts SET domain = 'gmail.com' WHERE account_id < 'a2'", "UPDATE people SET phone = '-12'"]
    assert named(judged(model, shared)) == set()


def test_colleagues_share_the_number_of_their_house(model: Model) -> None:
    assert named(judged(model, ["UPDATE people SET phone = '030/1234567'"])) == set()


def test_steps_of_many_types_are_told_once(tmp_path: Path) -> None:
    kinds = ("chat", "meeting", "invite", "call")
    spoil = [
        f"INSERT INTO events SELECT '{kind}' || w || '_' || i, '{kind}', 'p1', NULL, "  # noqa: S608 - our own
        f"TIMESTAMP '2026-06-30' - INTERVAL (w * 7) DAY FROM range({weeks}) r(w), range({each}) s(i)"
        for kind in kinds
        for weeks, each in ((13, 6), (1, 200))
    ]
    rules = [f'[[engagement]]\nid = "of_{kind}"\nevent = "{kind}"\npoints = 1\n' for kind in kinds]
    found = judged(model_of(tmp_path, "\n".join([MODEL, *rules])), spoil)
    (step,) = [one for one in found.findings if one.check == "step"]
    assert step.where == "call, chat, invite, meeting"
    assert step.message.startswith("4 types at once: call came")
    assert [rule.rule_id for rule in step.weakens] == ["call", "of_call", "of_chat", "of_invite", "of_meeting"]


def test_limits_are_the_configuration_s(model: Model) -> None:
    spoil = SPOILED["outcomes", "without_person", "outcomes"]
    assert named(judged(model, spoil, limits=AuditSettings(min_linked=0.0))) == set()


def test_tables_that_are_not_there_are_told(model: Model) -> None:
    found = judged(model, without=("events", "outcomes"))
    assert {("activity", "missing", "events"), ("outcomes", "missing", "outcomes")} <= named(found)
    assert found.newest_event_at is None


def test_fields_weigh_what_they_decide(tmp_path: Path) -> None:
    heavy = MODEL.replace("points = 20", "points = 200")
    spoil = SPOILED["fields", "fill", "seniority"]
    light_score, heavy_score = (
        judged(model_of(tmp_path, text), spoil).score("fields") or 0.0 for text in (MODEL, heavy)
    )
    assert heavy_score < light_score < 100


def test_a_model_of_accounts_is_audited_by_its_own_fields(tmp_path: Path) -> None:
    text = """
[model]
id = "companies"
subject = "account"

[[fit]]
id = "software"
when = { field = "industry", in = ["Software"] }
points = 15

[[fit]]
id = "size"
field = "account.employees"
brackets = [{ below = 100, points = 5 }, { points = 10 }]
"""
    found = judged(model_of(tmp_path, text), ["UPDATE accounts SET industry = NULL, employees = NULL"])
    fills = {(one.where, tuple(rule.rule_id for rule in one.weakens)) for one in found.findings if one.check == "fill"}
    assert fills == {("account industry", ("software",)), ("account employees", ("size",))}
