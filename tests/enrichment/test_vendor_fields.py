"""What named systems fill in a CRM reaches a score, by the packaged fields of each, put behind the CRM's mapping."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.salesforce.org import INTEGRATION_USER
from connector.sandbox.server import Crm, SandboxOptions, start
from mappings.loader import VENDORS, MappingError, load_mapping
from tests.loop.loops import Loop, copy_of, loop_of, make_template
from tests.loop.signals import explained, model_of, scored, totals, use_model

TEXT = {"type": "Text", "length": 255}
NUMBER = {"type": "Number", "precision": 9, "scale": 2}
TIME = {"type": "DateTime"}
FIELDS: Mapping[str, Mapping[str, object]] = {
    "Lead.Einstein_Score__c": NUMBER,
    "Lead.mkto71_Lead_Score__c": NUMBER,
    "Lead.mkto_si__Urgency_Value__c": NUMBER,
    "Lead.pi__score__c": NUMBER,
    "Lead.pi__grade__c": TEXT,
    "Lead.Eloqua_Lead_Rating__c": TEXT,
    "Lead.Act_On_Lead_Score__c": NUMBER,
    "Lead.mk_customer_fit_segment__c": TEXT,
    "Lead.mk_likelihood_to_buy_score__c": NUMBER,
    "Account.accountProfileFit6sense__c": TEXT,
    "Account.accountBuyingStage6sense__c": TEXT,
    "Account.account6QAStartDate6sense__c": TIME,
    "Account.Demandbase_Pipeline_Predict_Score__c": NUMBER,
    "Account.Demandbase_Intent_Strength__c": TEXT,
    "Account.Crossbeam_Customer_Of__c": TEXT,
    "Account.Crossbeam_Overlaps__c": NUMBER,
}


def add_fields(loop: Loop) -> None:
    """Make the systems' fields as their packages do, and let the connecting user read them."""
    api = "/services/data/v62.0/"
    granted = loop.ask("POST", f"{api}sobjects/PermissionSet", json={"Name": "Vendors", "Label": "Vendors"})["id"]
    for name, kind in FIELDS.items():
        order = {"FullName": name, "Metadata": {"label": name.partition(".")[2], **kind}}
        loop.ask("POST", f"{api}tooling/sobjects/CustomField/", json=order)
        grant = {"ParentId": granted, "SobjectType": name.partition(".")[0], "Field": name, "PermissionsRead": True}
        loop.ask("POST", f"{api}sobjects/FieldPermissions", json=grant | {"PermissionsEdit": True})
    assigned = {"PermissionSetId": granted, "AssigneeId": INTEGRATION_USER}
    loop.ask("POST", f"{api}sobjects/PermissionSetAssignment", json=assigned)


@pytest.fixture(scope="module")
def template_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Crm], Path]:
    """Give a provisioned sandbox that has the systems' fields; made once per vendor of CRMs."""
    made: dict[Crm, Path] = {}

    def template(crm: Crm) -> Path:
        if crm not in made:
            made[crm] = make_template(crm, tmp_path_factory.mktemp(f"fields-{crm}"))
            if crm == "salesforce":
                with start(SandboxOptions(crm, db=made[crm] / "sandbox.db")) as sandbox:
                    add_fields(loop_of(crm, sandbox, made[crm]))
        return made[crm]

    return template


@pytest.fixture
def served(template_with: Callable[[Crm], Path], tmp_path: Path) -> Iterator[Callable[[Crm, str], Loop]]:
    """Serve a sandbox whose configuration reads the fields of one system besides."""
    opened = []

    def serve(crm: Crm, system: str) -> Loop:
        opened.append(copy_of(crm, template_with(crm), tmp_path / "loop"))
        loop = opened[-1].__enter__()
        (loop.folder / "own.toml").write_text(f'extends = ["{crm}", "vendors/{system}"]\n', encoding="utf-8")
        text = loop.config.read_text(encoding="utf-8").replace(f'mapping = "{crm}"', 'mapping = "own.toml"')
        loop.config.write_text(text, encoding="utf-8")
        return loop

    yield serve
    for one in opened:
        one.__exit__(None, None, None)


def rule(name: str, condition: str, points: float, *more: str) -> str:
    """Write a fit rule."""
    return "\n".join(["[[fit]]", f'id = "{name}"', f"when = {condition}", f"points = {points}", *more])


def judged(loop: Loop, who: str, values: Mapping[str, object], *rules: str, company: bool = False) -> dict[str, float]:
    """Let a system fill its fields, score, and give the points of each rule in the person's explanation."""
    person = loop.people()[who]
    told = loop.records("Account")[0] | {"object": "Account"} if company else person
    loop.control("edit", {"actor": "automation", "object": told["object"], "id": told["id"], "fields": values})
    loop.advance(60)
    use_model(loop, model_of({}, *rules))
    scored(loop)
    found = {row["rule_id"]: float(row["points"]) for row in explained(loop, person["id"])["contributions"]}
    assert totals(loop)[person["id"]] == sum(found.values())
    return found


Served = Callable[[Crm, str], Loop]


@pytest.mark.signal("Salesforce Einstein")
def test_einsteins_score_counts_beside_ours(served: Served) -> None:
    loop = served("salesforce", "einstein")
    found = judged(
        loop, "p09", {"Einstein_Score__c": 87}, rule("einstein", '{ field = "einstein_score", gte = 80 }', 15)
    )
    assert found == {"einstein": 15}


@pytest.mark.signal("Marketo (Adobe)")
def test_marketos_score_and_urgency_count(served: Served) -> None:
    loop = served("salesforce", "marketo")
    values = {"mkto71_Lead_Score__c": 110, "mkto_si__Urgency_Value__c": 3}
    rules = [
        rule("mql", '{ field = "marketo_score", gte = 100 }', 30),
        rule("urgent", '{ field = "marketo_urgency", gte = 2 }', 5),
    ]
    assert judged(loop, "p09", values, *rules) == {"mql": 30, "urgent": 5}


@pytest.mark.signal("Pardot / Account Engagement")
def test_pardots_score_and_thirds_of_a_grade_count(served: Served) -> None:
    loop = served("salesforce", "pardot")
    rules = [
        rule("grade", '{ field = "pardot_grade", in = ["A+", "A", "A-", "B+"] }', 20),
        rule("score", '{ field = "pardot_score", gte = 100 }', 10),
    ]
    assert judged(loop, "p09", {"pi__score__c": 140, "pi__grade__c": "B+"}, *rules) == {"grade": 20, "score": 10}


@pytest.mark.signal("Oracle Eloqua")
def test_eloquas_ratings_count_by_letter_and_by_digit(served: Served) -> None:
    loop = served("salesforce", "eloqua")
    rules = [
        rule("profile", '{ field = "eloqua_rating", starts_with = "A" }', 20),
        rule("engaged", '{ field = "eloqua_rating", in = ["A1", "B1", "C1", "D1"] }', 12),
    ]
    assert judged(loop, "p09", {"Eloqua_Lead_Rating__c": "A1"}, *rules) == {"profile": 20, "engaged": 12}


@pytest.mark.signal("Act-On")
def test_act_ons_score_counts_by_the_packaged_fields(served: Served) -> None:
    loop = served("salesforce", "act_on")
    rules = [rule("cold", '{ field = "act_on_score", lt = 5 }', -15)]
    assert judged(loop, "p09", {"Act_On_Lead_Score__c": 2}, *rules) == {"cold": -15}


@pytest.mark.signal("MadKudu")
def test_madkudus_segment_and_score_count(served: Served) -> None:
    loop = served("salesforce", "madkudu")
    values = {"mk_customer_fit_segment__c": "Very Good", "mk_likelihood_to_buy_score__c": 91}
    rules = [
        rule("fit", '{ field = "madkudu_fit_segment", is = "very good" }', 25),
        rule("likely", '{ field = "madkudu_likelihood_score", gte = 85 }', 10),
    ]
    assert judged(loop, "p09", values, *rules) == {"fit": 25, "likely": 10}


@pytest.mark.signal("6sense")
def test_6sense_fields_of_the_company_count_while_they_are_of_late(served: Served) -> None:
    loop = served("salesforce", "6sense")
    values = {
        "accountProfileFit6sense__c": "Strong",
        "accountBuyingStage6sense__c": "Decision",
        "account6QAStartDate6sense__c": "2026-06-20T00:00:00Z",
    }
    rules = [
        rule("fit", '{ field = "account.sixsense_profile_fit", is = "Strong" }', 15),
        rule(
            "stage",
            '{ field = "account.sixsense_buying_stage", in = ["Decision", "Purchase"] }',
            10,
            "third_party = true",
        ),
        rule("qualified", '{ field = "account.sixsense_6qa_at", newer_than = "30d" }', 5, "third_party = true"),
        rule("old", '{ field = "account.sixsense_6qa_at", older_than = "30d" }', -99),
    ]
    assert judged(loop, "p03", values, *rules, company=True) == {"fit": 15, "stage": 10, "qualified": 5}


@pytest.mark.signal("Demandbase")
def test_demandbases_scores_of_the_company_count(served: Served) -> None:
    loop = served("salesforce", "demandbase")
    values = {"Demandbase_Pipeline_Predict_Score__c": 96, "Demandbase_Intent_Strength__c": "High"}
    rules = [
        rule("pipeline", '{ field = "account.demandbase_pipeline_score", gte = 95 }', 20),
        rule("intent", '{ field = "account.demandbase_intent_strength", is = "High" }', 10, "third_party = true"),
    ]
    assert judged(loop, "p03", values, *rules, company=True) == {"pipeline": 20, "intent": 10}


@pytest.mark.signal("Crossbeam")
def test_the_partners_of_a_company_count(served: Served) -> None:
    loop = served("salesforce", "crossbeam")
    values = {"Crossbeam_Customer_Of__c": "Acme Cloud;Other Partner", "Crossbeam_Overlaps__c": 2}
    rules = [
        rule("partner", '{ field = "account.crossbeam_customer_of", contains = "Acme Cloud" }', 10),
        rule("several", '{ field = "account.crossbeam_overlaps", gte = 2 }', 3),
    ]
    assert judged(loop, "p03", values, *rules, company=True) == {"partner": 10, "several": 3}


@pytest.mark.signal("HubSpot")
def test_hubspots_own_likelihood_counts_and_is_never_written(served: Served) -> None:
    loop = served("hubspot", "hubspot_scores")
    values = {"hs_predictivecontactscore_v2": "32.5", "hs_predictivescoringtier": "tier_1", "hubspotscore": "70"}
    rules = [
        rule("likely", '{ field = "hubspot_likelihood", gte = 30 }', 20),
        rule("first", '{ field = "hubspot_priority", is = "tier_1" }', 5),
        rule("score", '{ field = "hubspot_score", gte = 50 }', 2),
    ]
    mark = loop.mark()
    assert judged(loop, "p09", values, *rules) == {"likely": 20, "first": 5, "score": 2}
    assert loop.writes(mark) == []


@pytest.mark.parametrize("name", VENDORS)
def test_every_packaged_vendor_goes_behind_its_crm(tmp_path: Path, name: str) -> None:
    crm = "hubspot" if name == "vendors/hubspot_scores" else "salesforce"
    file = tmp_path / "own.toml"
    file.write_text(f'extends = ["{crm}", "{name}"]\n', encoding="utf-8")
    base, found = load_mapping(crm), load_mapping(file)
    added: dict[tuple[str, str], Any] = {
        (table, column): source
        for table, read in found.read.items()
        for column, source in read.columns().items()
        if column not in base.read[table].columns()
    }
    assert found.crm == crm
    assert added
    assert all(source.optional for source in added.values())
    assert {read: found.read[read].columns().keys() & base.read[read].columns().keys() for read in base.read} == {
        read: base.read[read].columns().keys() for read in base.read
    }


def test_a_later_one_of_several_wins_and_the_file_wins_over_all(tmp_path: Path) -> None:
    (tmp_path / "late.toml").write_text('[read.Lead.fields]\npardot_score = "Late__c"\npardot_grade = "Late2__c"\n')
    own = 'extends = ["salesforce", "vendors/pardot", "late.toml"]\n[read.Lead.fields]\npardot_grade = "Own__c"\n'
    (tmp_path / "own.toml").write_text(own, encoding="utf-8")
    columns = load_mapping(tmp_path / "own.toml").read["Lead"].columns()
    assert (columns["pardot_score"].from_, columns["pardot_grade"].from_) == (("Late__c",), ("Own__c",))
    assert columns["pardot_last_activity_at"].from_ == ("pi__last_activity__c",)


@pytest.mark.parametrize("wrong", ["[]", "[1]", "7"])
def test_extends_must_name_mappings(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "own.toml").write_text(f"extends = {wrong}\n", encoding="utf-8")
    with pytest.raises(MappingError, match="extends: must be the name of a mapping"):
        load_mapping(tmp_path / "own.toml")


def test_fields_of_another_crm_are_told(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('extends = ["salesforce", "vendors/hubspot_scores"]\n', encoding="utf-8")
    with pytest.raises(MappingError, match="vendors/hubspot_scores is for hubspot, salesforce is for salesforce"):
        load_mapping(tmp_path / "own.toml")
