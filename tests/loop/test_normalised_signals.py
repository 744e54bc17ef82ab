"""What forms, links and mailboxes tell, in each vendor's words, reaches a score as one word; unknown never does."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from connector.cli import app, guarded
from connector.sandbox.server import Crm
from tests.loop.loops import Loop, copy_of, make_template
from tests.loop.signals import explained, scored, totals, use_model

PEOPLE = """person_id,kind,account_id,email,title,company,source,UTM_Source,UTM_Medium
ads,lead,,ann@acme.example,Clerk,Acme,Web,google,cpc
social,lead,,bo@beta.example,Clerk,Beta,Web,facebook,paid_social
agency,lead,,cy@ceta.example,Clerk,Ceta,Agency booked meeting,,
fair,contact,a1,di@delta.example,Clerk,Delta,Trade Show,,
unknown,lead,,ed@eta.example,Clerk,Eta,Web,,
nothing,lead,,flo@fi.example,Clerk,Fi,,,
free,lead,,gil@gmail.com,Clerk,Gamma,,,
student,lead,,ida@stud.iota.example,Wizard,Iota,,,
"""
COMPANIES = """account_id,name,domain,employees,industry
a1,Delta,delta.example,300,Versicherungen
a2,Gmail fans,gmail.com,10,Retail
"""
MODEL = """
[model]
id = "normal"
""" + "".join(
    f"""
[[fit]]
id = "{name}"
label = "{name}"
when = {{ field = "{field}", is = "{value}" }}
points = {points}
"""
    for name, field, value, points in (
        ("search_ad", "source_class", "paid_search", 15),
        ("social_ad", "source_class", "paid_social", 8),
        ("agency", "source_class", "agency_booked_meeting", 4),
        ("outbound", "source_class", "outbound", 30),
        ("event", "source_class", "event", 20),
        ("free_mail", "email_class", "free", -20),
        ("student", "email_class", "student", -30),
        ("insurer", "account.industry_class", "insurance", 5),
        ("mid_size", "account.employees_band", "201-500", 7),
    )
) + """
[[band]]
id = "hot"
"""  # fmt: skip
SCORES = {"ads": 15, "social": 8, "agency": 4, "fair": 32, "unknown": 0, "nothing": 0, "free": -20, "student": -30}


def write_world(folder: Path) -> None:
    """Write people who came in different ways, and their accounts."""
    folder.mkdir(parents=True)
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (folder / "accounts.csv").write_text(COMPANIES, encoding="utf-8")


@pytest.fixture(scope="module")
def template_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Crm], Path]:
    """Give the folder of a provisioned sandbox with this world; made once per vendor."""
    made: dict[Crm, Path] = {}

    def template(crm: Crm) -> Path:
        if crm not in made:
            made[crm] = make_template(crm, tmp_path_factory.mktemp(f"{crm}-normal"), write_world)
        return made[crm]

    return template


@pytest.fixture
def loop(crm: Crm, template_with: Callable[[Crm], Path], tmp_path: Path) -> Iterator[Loop]:
    """Give a provisioned CRM with a model of normalised words, and matching as it is by default."""
    with copy_of(crm, template_with(crm), tmp_path / "loop") as found:
        use_model(found, MODEL)
        text = found.config.read_text(encoding="utf-8")
        found.config.write_text(text.replace("[matching]\nenabled = false\n", ""), encoding="utf-8")
        yield found


def told(loop: Loop, *words: str) -> dict[str, Any]:
    """Run a command and give its JSON."""
    out = io.StringIO()
    with redirect_stdout(out):
        assert guarded(lambda: app([*words, "-c", str(loop.config), "--json"])) == 0
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.mark.signal("UTM/hidden fields", "Gmail-type domains")
def test_channels_and_mailboxes_reach_the_score(loop: Loop) -> None:
    scored(loop)
    ids = {who: record["id"] for who, record in loop.people().items()}
    found = totals(loop)
    assert {who: found[record_id] for who, record_id in ids.items()} == SCORES
    rules = {who: {row["rule_id"] for row in explained(loop, ids[who])["contributions"]} for who in SCORES}
    assert rules["ads"] == {"search_ad"}
    assert rules["agency"] == {"agency"}  # a class of its own: the outbound rule is not for it
    assert rules["fair"] == {"event", "insurer", "mid_size"}
    assert (rules["free"], rules["unknown"], rules["nothing"]) == ({"free_mail"}, set(), set())
    assert explained(loop, ids["free"])["matched"] is None  # whatever account has such a domain


def test_the_share_of_what_is_unknown_is_told(loop: Loop) -> None:
    scored(loop)
    sources = told(loop, "sources")
    assert (sources["people"], sources["unread"], sources["unread_share"]) == (8, 4, 0.5)
    assert sources["meanings"]["agency_booked_meeting"] == 1
    assert sources["texts"] == [{"text": "web", "people": 1}]
    titles = told(loop, "titles")
    assert (titles["people"], titles["unread"], titles["texts"]) == (8, 1, [{"text": "wizard", "people": 1}])


def test_other_words_are_read_at_the_next_sync(loop: Loop) -> None:
    scored(loop)
    folder = loop.folder / "lists"
    folder.mkdir()
    (folder / "source.toml").write_text('event = ["Web"]\n', encoding="utf-8")
    (folder / "free_mail.txt").write_text("fi.example\n", encoding="utf-8")
    text = loop.config.read_text(encoding="utf-8")
    loop.config.write_text(text.replace("[limits]", '[lists]\nfolder = "lists"\n\n[limits]', 1), encoding="utf-8")
    scored(loop, changed_only=True)
    ids = {who: record["id"] for who, record in loop.people().items()}
    found = totals(loop)
    changed = {"unknown": 20, "nothing": -20, "free": 0}  # by an event; a mailbox for anybody; none any more
    assert {who: found[record_id] for who, record_id in ids.items()} == SCORES | changed
    assert explained(loop, ids["free"])["matched"]["account"] == "Gmail fans"
