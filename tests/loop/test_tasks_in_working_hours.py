"""Tasks as people get them: due when somebody works, with a playbook, once for each stay in a band."""

import pytest

from connector.settings.file import load_settings
from tests.loop.loops import CHIEF, CLERK, Loop

HOURS = '\n[[hours]]\nid = "office"\ntimezone = "Europe/Berlin"\nopen = ["mon-fri 09:00-17:00"]\n'
PLAYBOOK = 'playbook = ["Ask about {{ company }}", "https://wiki.example/hot"]'
DAY_S = 86_400


def change(loop: Loop, before: str, after: str, more: str = "") -> None:
    """Change the configuration."""
    text = loop.config.read_text(encoding="utf-8")
    assert before in text
    loop.config.write_text(text.replace(before, after, 1) + more, encoding="utf-8")


def due_of(loop: Loop, who: str) -> str:
    """Tell when somebody's only task is due."""
    [task] = loop.tasks_of(loop.people()[who]["id"])
    return str(task["fields"][loop.words.due])


def test_a_task_is_due_in_the_hours_of_its_owner(fresh: Loop) -> None:
    change(fresh, 'due = "1h"', 'due = "4h"', HOURS)
    if fresh.crm == "salesforce":  # users have clocks of their own there: p03's owner is in Berlin
        owner = fresh.people()["p03"]["fields"]["OwnerId"]
        zone = {"TimeZoneSidKey": "Europe/Berlin"}
        fresh.control("edit", {"actor": "human", "object": "User", "id": owner, "fields": zone})
    fresh.sync(backfill=True)  # Wednesday, 14:00 in Berlin and 05:00 in Los Angeles
    assert due_of(fresh, "p03")[:13] in ("2026-07-02", "2026-07-02T08")
    los_angeles = "2026-07-01" if fresh.crm == "salesforce" else "2026-07-02"
    assert due_of(fresh, "p02").startswith(los_angeles)


@pytest.mark.parametrize("crm", ["salesforce"])
def test_hours_that_stay_where_they_are_do_not_go_by_the_owners_clock(fresh: Loop) -> None:
    change(fresh, 'due = "1h"', 'due = "4h"', HOURS + "owner_timezone = false\n")
    fresh.sync(backfill=True)
    assert due_of(fresh, "p02") == "2026-07-02"


def test_a_playbook_stands_below_the_body_and_what_does_not_show_is_taken_out(fresh: Loop) -> None:
    change(fresh, 'due = "1h"', f'due = "1h"\n{PLAYBOOK}')
    person = fresh.people()["p00"]
    company = {"salesforce": "Company", "hubspot": "company"}[fresh.crm]
    fresh.edit(person, **{company: "Ac\u202eme <b>\u200b Ltd"})
    fresh.advance(60)
    fresh.sync(backfill=True)
    [task] = fresh.tasks_of(person["id"])
    body = task["fields"]["Description" if fresh.crm == "salesforce" else "hs_task_body"]
    if fresh.crm == "salesforce":
        assert body.endswith("\n\n- Ask about Acme <b> Ltd\n- https://wiki.example/hot")
    else:
        listed = '<li>Ask about Acme &lt;b&gt; Ltd</li><li><a href="https://wiki.example/hot">'
        assert listed in body


@pytest.mark.parametrize(("days", "tasks"), [(6, 1), (8, 2)])
def test_who_comes_back_within_the_cool_down_gets_no_second_task(synced: Loop, days: int, tasks: int) -> None:
    change(synced, 'band = "hot"', 'band = "hot"\ncool_down = "7d"')
    assert load_settings(synced.config).action[0].cool_down == "7d"
    synced.retitle("p00", CLERK)
    left = synced.sync()
    assert left.plan is not None
    assert len(left.plan.closed) == 1
    synced.advance(days * DAY_S)
    synced.retitle("p00", CHIEF)
    back = synced.sync()
    assert back.plan is not None
    assert (len(back.plan.resumed), len(back.plan.opened)) == ((1, 0) if tasks == 1 else (0, 1))
    assert len(synced.tasks_of(synced.people()["p00"]["id"])) == tasks
    synced.retitle("p00", CLERK)
    synced.sync()
    synced.retitle("p00", CHIEF)  # the cool-down counts from when it left last
    synced.sync()
    assert len(synced.tasks_of(synced.people()["p00"]["id"])) == tasks
