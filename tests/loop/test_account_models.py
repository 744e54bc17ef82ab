"""A model of accounts beside the one of people: its scores land on the companies, and on nothing else."""

from typing import Any

from tests.loop.loops import CLERK, Loop, add_model

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


def company(loop: Loop) -> dict[str, Any]:
    """Give the company that has people in it."""
    name = "Account" if loop.crm == "salesforce" else "companies"
    (found,) = [record for record in loop.records(name) if record["fields"][loop.words.canonical] == "a1"]
    fields: dict[str, Any] = found["fields"]
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
