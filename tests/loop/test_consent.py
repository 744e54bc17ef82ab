"""People who want to be left alone keep their score and are not acted upon."""

import pytest

from tests.loop.loops import Loop


def asks_not_to_be_called(loop: Loop, who: str) -> None:
    """Say in the CRM that somebody is not to be called."""
    loop.edit(loop.people()[who], DoNotCall=True)


@pytest.mark.parametrize("crm", ["salesforce"], indirect=True)
def test_who_is_not_to_be_called_gets_no_task(fresh: Loop) -> None:
    asks_not_to_be_called(fresh, "p00")
    outcome = fresh.sync(backfill=True)
    assert outcome.plan is not None
    assert "1 tasks left out, since these people do not want them" in outcome.plan.warnings
    hot = fresh.people()["p00"]
    assert hot["fields"][fresh.words.band] == "hot"
    assert fresh.tasks_of(hot["id"]) == []
    assert len(fresh.tasks()) == 4
    fresh.edit(hot, DoNotCall=False)
    fresh.advance(60)
    fresh.sync()
    assert fresh.tasks_of(hot["id"]) == []


def test_the_setting_says_what_is_left_out(fresh: Loop) -> None:
    field = "HasOptedOutOfEmail" if fresh.crm == "salesforce" else "hs_email_optout"
    fresh.edit(fresh.people()["p01"], "human", **{field: True})
    text = fresh.config.read_text(encoding="utf-8")
    fresh.config.write_text(text + '\n[consent]\nopted_out = ["tasks", "joins"]\n', encoding="utf-8")
    fresh.sync(backfill=True)
    assert fresh.tasks_of(fresh.people()["p01"]["id"]) == []
    assert len(fresh.tasks()) == 4


def test_an_opt_out_of_mail_alone_leaves_tasks_be(fresh: Loop) -> None:
    field = "HasOptedOutOfEmail" if fresh.crm == "salesforce" else "hs_email_optout"
    fresh.edit(fresh.people()["p01"], "human", **{field: True})
    fresh.sync(backfill=True)
    assert len(fresh.tasks_of(fresh.people()["p01"]["id"])) == 1
