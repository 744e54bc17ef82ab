"""A model of accounts beside the one of people: its scores land on the companies, and on nothing else."""

from typing import Any

from connector.provisioning import provision
from tests.loop.loops import CLERK, Loop, add_model, further

ACCOUNTS = """
[model]
id = "companies"
subject = "account"

[rollup]
model = "titles"
of = "total"
kind = "max"

[[band]]
id = "engage"
at_least = 50
release_below = 30

[[band]]
id = "watch"
"""


RENEWAL = """
[model]
id = "renewal"
subject = "account"
audience = { field = "name", is = "Acme" }

[[fit]]
id = "known"
when = { field = "domain", present = true }
points = 25

[[band]]
id = "renew"
at_least = 20
"""


def company_record(loop: Loop) -> dict[str, Any]:
    """Give the record of the company that has people in it."""
    name = "Account" if loop.crm == "salesforce" else "companies"
    (found,) = [record for record in loop.records(name) if record["fields"][loop.words.canonical] == "a1"]
    return found | {"object": name}


def company(loop: Loop) -> dict[str, Any]:
    """Give the company that has people in it."""
    fields: dict[str, Any] = company_record(loop)["fields"]
    return fields


def test_accounts_are_scored_by_their_people_and_written_once(fresh: Loop) -> None:
    add_model(fresh.config, "accounts.toml", ACCOUNTS)
    first = fresh.sync()
    assert first.scored["accounts"] >= 1
    held = company(fresh)
    assert (float(held[fresh.words.score]), held[fresh.words.band]) == (60.0, "engage")
    assert str(held[fresh.words.model]).startswith("companies@")
    fresh.advance(60)
    mark = fresh.mark()
    again = fresh.sync()
    assert again.plan is not None
    assert (again.plan.size, fresh.writes(mark)) == (0, [])


def test_an_account_cools_when_its_people_change(fresh: Loop) -> None:
    add_model(fresh.config, "accounts.toml", ACCOUNTS)
    fresh.sync()
    fresh.retitle("p03", CLERK)
    fresh.sync()
    held = company(fresh)
    assert (float(held[fresh.words.score]), held[fresh.words.band]) == (0.0, "watch")


def test_an_account_keeps_its_band_until_it_is_released(fresh: Loop) -> None:
    add_model(fresh.config, "accounts.toml", ACCOUNTS)
    fresh.sync()
    fresh.retitle("p03", "Sales Director")  # 45 points: under the threshold, above the release
    fresh.sync()
    held = company(fresh)
    assert (float(held[fresh.words.score]), held[fresh.words.band]) == (45.0, "engage")


def test_several_models_score_accounts_and_a_left_audience_leaves_nothing(fresh: Loop) -> None:
    add_model(fresh.config, "accounts.toml", ACCOUNTS)
    add_model(fresh.config, "renewal.toml", RENEWAL)
    provision(fresh.config)
    score, band = (further(name, "renewal") for name in (fresh.words.score, fresh.words.band))
    assert fresh.sync().as_dict()["models"] == {"titles": 24, "companies": 1, "renewal": 1}
    held = company(fresh)
    assert (float(held[fresh.words.score]), held[fresh.words.band]) == (60.0, "engage")
    assert (float(held[score]), held[band]) == (25.0, "renew")
    fresh.edit(company_record(fresh), **{"Name" if fresh.crm == "salesforce" else "name": "Velora"})
    fresh.advance(60)
    fresh.sync()
    held = company(fresh)
    assert (float(held[fresh.words.score]), held[fresh.words.band]) == (60.0, "engage")
    assert not held[score]
    assert not held[band]
    fresh.advance(60)
    again = fresh.sync().plan
    assert again is not None
    assert again.size == 0
