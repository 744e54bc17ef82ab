"""A CRM that suddenly shows nobody, or half of everybody: what is known stays, or a guard stops the run."""

import pytest

from connector.errors import UnsafePlan
from connector.store.state import open_state
from tests.loop.loops import Loop, written_state

LISTS = {"salesforce": r"/queryAll/?$", "hubspot": r"/objects/contacts/?$"}
EMPTY: dict[str, object] = {"salesforce": {"totalSize": 0, "done": True, "records": []}, "hubspot": {"results": []}}


def forget_cursors(loop: Loop) -> None:
    """Let the next pull read everything."""
    state = open_state(loop.folder / "leadlight-store")
    state.execute("DELETE FROM cursors")
    state.close()


def remove(loop: Loop, who: str) -> None:
    """Delete somebody in the CRM."""
    person = loop.people()[who]
    if loop.crm == "salesforce":
        loop.ask("DELETE", f"/services/data/v62.0/sobjects/{person['object']}/{person['id']}")
    else:
        loop.ask("DELETE", f"/crm/v3/objects/contacts/{person['id']}")


@pytest.mark.fault("F26")
def test_a_full_pull_that_gives_nobody_takes_nobody_away(synced: Loop) -> None:
    synced.sync()
    mark, before = synced.mark(), written_state(synced)
    forget_cursors(synced)
    synced.control(
        "faults", [{"match": {"path_re": LISTS[synced.crm]}, "act": {"status": 200, "body": EMPTY[synced.crm]}}]
    )
    outcome = synced.sync()
    assert synced.control("stats")["faults_fired"] > 0
    assert outcome.scored["people"] == 24
    assert synced.writes(mark) == []
    assert written_state(synced) == before


@pytest.mark.fault("F26")
def test_a_base_that_is_halved_stops_the_run_before_it_writes(synced: Loop) -> None:
    text = synced.config.read_text(encoding="utf-8")
    synced.config.write_text(text.replace("[limits]", "[limits]\nmin_population = 0"), encoding="utf-8")
    for number in range(5, 20):
        remove(synced, f"p{number:02d}")
    synced.retitle("p20", "Chief Executive Officer")
    mark = synced.mark()
    with pytest.raises(UnsafePlan, match="missing_people"):
        synced.sync()
    assert UnsafePlan.exit_code == 4
    assert synced.writes(mark) == []
