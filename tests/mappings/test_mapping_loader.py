"""Mapping files: what is valid, what `extends` changes, and that every problem is told at once."""

from pathlib import Path

import pytest

from mappings.loader import MappingError, load_mapping

AS_DESIGNED = """
crm = "salesforce"
[read.Lead]
table = "people"
kind = "lead"
key = "Id"
modified = "SystemModstamp"
fields = { email = "Email", domain = { from = "Website", transform = "domain" }, converted_at = "ConvertedDate" }
derive = { seniority = { from = "Title", transform = "seniority" } }
[read.Contact]
table = "people"
kind = "contact"
account = "AccountId"
[read.Account]
table = "accounts"
[read.Task]
table = "events"
key = "Id"
person = "WhoId"
account = "AccountId"
occurred_at = ["CompletedDateTime", "ActivityDate", "CreatedDate"]
event = [
  { when = { field = "TaskSubtype", is = "Call" }, type = "call" },
  { when = { field = "Subject", starts_with = "Email:" }, type = "email_sent", asset = "Subject" } ]
[read.CampaignMember]
table = "events"
person = ["ContactId", "LeadId"]
occurred_at = ["FirstRespondedDate", "CreatedDate"]
event = [ { when = { field = "Status", is = "Attended" }, type = "webinar_attended", asset = "Campaign.Name" } ]
[read.Web_Activity__c]
table = "events"
person = ["Contact__c", "Lead__c"]
occurred_at = "Occurred_At__c"
event = [ { when = { field = "Type__c", present = true }, type = { from = "Type__c" }, url = "URL__c" } ]
[write.person]
score = { field = "Leadlight_Score__c", from = "total", round = 0, min_delta = 1, policy = "own" }
reasons = { field = "Leadlight_Why__c", from = "reasons", max_length = 255, policy = "own" }
scored_at = { field = "Leadlight_Scored_At__c", from = "as_of", policy = "own" }
[write.account]
[write.owner]
field = "OwnerId"
policy = "tracked"
[write.task]
object = "Task"
key_field = "Leadlight_Key__c"
fields = { subject = "Subject", body = "Description", due = "ActivityDate", owner = "OwnerId", person = "WhoId" }
"""


def written(folder: Path, text: str, name: str = "mapping.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(source: str | Path) -> str:
    with pytest.raises(MappingError) as caught:
        load_mapping(source)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return str(caught.value)


def test_the_designed_shape_is_valid(tmp_path: Path) -> None:
    mapping = load_mapping(written(tmp_path, AS_DESIGNED))
    assert mapping.read["CampaignMember"].key == "Id"
    assert mapping.read["Contact"].modified == "SystemModstamp"
    assert mapping.read["Task"].event[0].type.value == "call"
    assert mapping.read["Web_Activity__c"].event[0].type.from_ == ("Type__c",)
    assert mapping.write.task is not None
    assert mapping.write.task.fields["due"].kind == "date"


@pytest.mark.parametrize(
    ("name", "objects"),
    [
        ("salesforce", {"Lead", "Contact", "Account", "Task", "Event", "CampaignMember", "Opportunity"}),
        ("hubspot", {"contacts", "companies", "deals", "calls", "emails", "meetings", "event:e_visited_page"}),
    ],
)
def test_packaged_mappings_load(name: str, objects: set[str]) -> None:
    mapping = load_mapping(name)
    assert mapping.crm == name
    assert objects <= set(mapping.read)
    assert {spec.from_ for spec in mapping.write.person.values()} >= {"total", "band", "reasons", "model", "as_of"}


def test_hash_is_of_the_content(tmp_path: Path) -> None:
    same = load_mapping(written(tmp_path, 'extends = "salesforce"\n'))
    other = load_mapping(written(tmp_path, 'extends = "salesforce"\n[write.owner]\npolicy = "never"\n', "b.toml"))
    packaged = load_mapping("salesforce")
    assert packaged.hash == same.hash != other.hash
    assert len(packaged.hash) == 12
    assert packaged.read["Lead"].hash == other.read["Lead"].hash != packaged.read["Contact"].hash


def test_extends_merges_tables_and_replaces_sources(tmp_path: Path) -> None:
    text = """
extends = "salesforce"
[read.Lead.fields]
domain = { from = "Domain__c" }
region = "Region__c"
phone = false
[read.Task]
event = [ { type = "call" } ]
[read]
Event = false
[write.person.score]
field = "My_Score__c"
"""
    mapping = load_mapping(written(tmp_path, text))
    fields = mapping.read["Lead"].fields
    assert fields["domain"].from_ == ("Domain__c",)
    assert fields["domain"].transform is None
    assert fields["email"].from_ == ("Email",)
    assert "region" in fields
    assert "phone" not in fields
    assert len(mapping.read["Task"].event) == 1
    assert "Event" not in mapping.read
    assert (mapping.write.person["score"].field, mapping.write.person["score"].from_) == ("My_Score__c", "total")


def test_extends_finds_a_file_beside_it(tmp_path: Path) -> None:
    written(tmp_path, 'extends = "hubspot"\n[write.owner]\npolicy = "never"\n', "base.toml")
    mapping = load_mapping(written(tmp_path, 'extends = "base.toml"\n'))
    assert mapping.write.owner is not None
    assert (mapping.crm, mapping.write.owner.policy) == ("hubspot", "never")


def test_every_problem_is_told_at_once_with_the_nearest_name(tmp_path: Path) -> None:
    text = """
extends = "salesforce"
bogus = 1
[read.Lead]
kindd = "lead"
[read.Lead.fields]
domain = { form = "Website" }
region = { from = "Region__c", transform = "contry" }
person_id = "Id"
Bad = "X"
[read.Task]
event = [ { when = { field = "A", iss = "x" }, tpye = "call" } ]
[read.Thing]
table = "event"
[read.Note]
table = "events"
fields = { a = "A" }
[write.person]
score = { from = "totl", policy = "owned" }
[write.task]
key_field = "Key__c"
"""
    path = written(tmp_path, text)
    told = problems_of(path)
    for expected in (
        "bogus: unknown key",
        "read.Lead.kindd: unknown key (did you mean kind?)",
        "read.Lead.fields.domain.form: unknown key (did you mean from?)",
        "read.Lead.fields.region: unknown transform 'contry' (did you mean country?)",
        "read.Lead.fields.person_id: column 'person_id' is filled by Leadlight itself",
        "read.Lead.fields.Bad: column 'Bad' must be lower-case",
        "read.Task.event.0.when.iss: unknown key (did you mean is?)",
        "read.Task.event.0.tpye: unknown key (did you mean type?)",
        "read.Task.event.0.type: is required",
        "read.Thing.table: 'event' is not one of people, accounts, events, outcomes, credits, history",
        "(did you mean events?)",
        "read.Note: `fields` has no meaning for table = 'events'",
        "read.Note: table = 'events' needs `event`",
        "read.Note: table = 'events' needs `person` or `account`",
        "write.person.score.from: 'totl' is not one of",
        "(did you mean total?)",
        "write.person.score.policy: 'owned' is not one of own, if_empty, tracked, never (did you mean own?)",
        "write.task: key_field 'Key__c' must contain leadlight_key",
    ):
        assert expected in told
    assert all(line.startswith(f"{path}: ") for line in told.splitlines())


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ('{ field = "A" }', "exactly one operator, this one has 0"),
        ('{ field = "A", is = 1, present = true }', "exactly one operator, this one has 2"),
        ('{ is = "x" }', "`field` and an operator"),
        ('{ field = "A", all = [] }', "`field` and an operator"),
        ('{ field = "associations.contacts", is = "1" }', "only present and missing"),
        ('{ field = "A", present = false }', "present"),
    ],
)
def test_conditions_have_one_operator(tmp_path: Path, condition: str, message: str) -> None:
    assert message in problems_of(written(tmp_path, f'extends = "salesforce"\n[read.Task]\nwhere = {condition}\n'))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        ('band = { field = "B__c", from = "band", round = 1 }', "round and min_delta are for numbers"),
        ('score = { field = "S__c", from = "total", max_length = 3 }', "max_length is for text"),
        ('again = { field = "Leadlight_Score__c", from = "fit" }', "Leadlight_Score__c is written twice"),
        ('score = { field = "S__c", from = "total", min_delta = nan }', "min_delta"),
    ],
)
def test_write_specs_fit_their_result(tmp_path: Path, write: str, message: str) -> None:
    assert message in problems_of(written(tmp_path, f'extends = "salesforce"\n[write.person]\n{write}\n'))


@pytest.mark.parametrize(
    ("create", "message"),
    [
        ('key_field = "Email"', "create.key_field: Salesforce takes an address twice"),
        ('key_field = "Key__c"', "key_field 'Key__c' must contain leadlight_key"),
        ("fields = { email = false }", "fields.email is missing"),
        ('fields = { phone = "Title" }', "Title is written twice"),
        ('fields = { title = { feild = "T" } }', "create.fields.title.feild: unknown key (did you mean field?)"),
        ("skip_emails = []", "create.skip_emails: unknown key (did you mean skip_email_classes?)"),
        ('skip_email_classes = ["fre"]', "'fre' is not one of free, disposable"),
    ],
)
def test_whom_a_mapping_creates_is_checked(tmp_path: Path, create: str, message: str) -> None:
    assert message in problems_of(written(tmp_path, f'extends = "salesforce"\n[create]\n{create}\n'))


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    assert "cannot be read" in problems_of(tmp_path / "absent.toml")
    assert "did you mean salesforce?" in problems_of("salesfroce")
    assert "is not valid TOML" in problems_of(written(tmp_path, "a = \n"))
    assert "must be the name" in problems_of(written(tmp_path, "extends = 3\n"))
    loop = written(tmp_path, 'extends = "mapping.toml"\n')
    assert "extends itself" in problems_of(loop)
