"""Several models of people in one sync: each its own fields, audience, hysteresis, episodes and tasks."""


import pytest

from connector.provisioning import provision
from tests.loop.loops import MODEL, Loop, add_model

CUSTOMER = "Customer Sponsor"
NEW_BUSINESS = MODEL.replace(
    'id = "titles"', f'id = "titles"\naudience = {{ not = {{ field = "title", is = "{CUSTOMER}" }} }}'
)
EXPANSION = f"""
[model]
id = "expansion"
audience = {{ field = "title", in = ["{CUSTOMER}", "Clerk"] }}

[[fit]]
id = "customer"
label = "buys already"
when = {{ field = "title", is = "{CUSTOMER}" }}
points = 10

[[engagement]]
id = "call"
label = "spoke on the phone"
event = "call"
points = 15

[[band]]
id = "expand"
at_least = 40
release_below = 20

[[band]]
id = "steady"
"""
ACTION = """
[[action]]
band = "expand"
model = "expansion"
owner = { pool = "growth" }
task = { subject = "Offer more to {{ name }}: {{ band }} ({{ score }})", due = "1d", body = "{{ reasons }}" }

[[pool]]
id = "growth"
owners = ["zoe@sales.example"]
"""


def field(loop: Loop, of_primary: str) -> str:
    """Name a further model's field beside the primary model's."""
    return of_primary.replace("eadlight_", "eadlight_Expansion_" if loop.crm == "salesforce" else "eadlight_expansion_")


def expansion(loop: Loop, who: str) -> tuple[float | None, str | None]:
    """Give score and band that the expansion model wrote."""
    fields = loop.people()[who]["fields"]
    score = fields.get(field(loop, loop.words.score))
    return None if score in (None, "") else float(score), fields.get(field(loop, loop.words.band)) or None


def new_business(loop: Loop, who: str) -> tuple[float | None, str | None]:
    """Give score and band that the primary model wrote."""
    fields = loop.people()[who]["fields"]
    score = fields.get(loop.words.score)
    return None if score in (None, "") else float(score), fields.get(loop.words.band) or None


def settled(loop: Loop) -> None:
    """Check that another sync finds nothing to do."""
    loop.advance(60)
    mark = loop.mark()
    again = loop.sync()
    assert again.plan is not None
    assert (again.plan.size, loop.writes(mark)) == (0, [])


def with_lines(loop: Loop, *, action: str = ACTION) -> Loop:
    """Put the expansion model beside the primary one, and make its fields."""
    (loop.folder / "model.toml").write_text(NEW_BUSINESS, encoding="utf-8")
    add_model(loop.config, "expansion.toml", EXPANSION)
    loop.config.write_text(loop.config.read_text(encoding="utf-8") + action, encoding="utf-8")
    provision(loop.config)
    return loop


@pytest.fixture
def two(fresh: Loop) -> Loop:
    """Give a loop with two models of people, of whom p08 is a customer and p00 to p04 are chiefs; nothing is synced."""
    loop = with_lines(fresh)
    loop.retitle("p08", CUSTOMER)
    return loop


def test_each_model_writes_its_own_fields_for_its_own_audience(two: Loop) -> None:
    first = two.sync(backfill=True)
    assert first.scored["people"] == 24
    assert first.as_dict()["models"] == {"titles": 23, "expansion": 16}
    assert new_business(two, "p00") == (60, "hot")
    assert expansion(two, "p00") == (None, None)  # a chief who buys nothing yet
    assert new_business(two, "p08") == (None, None)  # a customer is no new business
    assert expansion(two, "p08") == (40, "expand")
    assert new_business(two, "p09")[1] == "warm" or new_business(two, "p09")[1] == "cold"
    assert expansion(two, "p09") == (30, "steady")  # a clerk is in both
    held = two.people()["p08"]["fields"]
    assert str(held[field(two, two.words.model)]).startswith("expansion@")
    assert "spoke on the phone" in held[field(two, two.words.why)]
    settled(two)
