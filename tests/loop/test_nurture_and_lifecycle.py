"""Fields that follow what is done with a person: nurture by band, lifecycle forward only."""

from typing import Any

import pytest

from connector.errors import ConfigError
from tests.loop.loops import CHIEF, CLERK, Loop

STATES = {
    "salesforce": ("LeadSource", "Status", ["Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"]),
    "hubspot": ("message", "lifecyclestage", ["subscriber", "lead", "marketingqualifiedlead", "customer"]),
}


def listening(loop: Loop, *, nurture: str = "weekly", order: list[str] | None = None) -> str:
    """Let bands mean nurture and lifecycle; returns the stage that hot people are moved to."""
    field, stage, stages = STATES[loop.crm]
    wanted = stages[-2]
    own = f'extends = "{loop.crm}"\n[write.nurture]\nfield = "{field}"\n'
    own += f'[write.lifecycle]\nfield = "{stage}"\norder = {order or stages}\n'.replace("'", '"')
    (loop.folder / "own.toml").write_text(own, encoding="utf-8")
    text = loop.config.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("mapping")]
    text = "\n".join(lines).replace("[crm]\n", '[crm]\nmapping = "own.toml"\n', 1)
    text = text.replace('band = "hot"\n', f'band = "hot"\nlifecycle = "{wanted}"\n', 1)
    warm = f'[[action]]\nband = "warm"\nnurture = "{nurture}"\n'
    loop.config.write_text(f"{text}\n{warm}", encoding="utf-8")
    return wanted


def held(loop: Loop, who: str) -> dict[str, Any]:
    field, stage, _ = STATES[loop.crm]
    fields = loop.people()[who]["fields"]
    return {"nurture": fields.get(field) or None, "stage": fields.get(stage)}


def test_nurture_follows_the_band_and_leaves_what_a_person_wrote(synced: Loop) -> None:
    field = STATES[synced.crm][0]
    synced.edit(synced.people()["p06"], **{field: "by hand"})
    listening(synced)
    synced.advance(60)
    synced.sync()
    assert (held(synced, "p05")["nurture"], held(synced, "p06")["nurture"]) == ("weekly", "by hand")
    synced.retitle("p05", CLERK)
    synced.sync()
    assert held(synced, "p05")["nurture"] is None
    synced.advance(60)
    synced.sync()
    mark = synced.mark()
    synced.sync()
    assert synced.writes(mark) == []


def test_a_stage_moves_forward_and_never_back(synced: Loop) -> None:
    stage, stages = STATES[synced.crm][1:]
    wanted = listening(synced)
    later = synced.people()["p21"]
    synced.edit(later, **{stage: stages[-1]})
    synced.retitle("p20", CHIEF)
    synced.retitle("p21", CHIEF)
    synced.sync()
    assert (held(synced, "p20")["stage"], held(synced, "p21")["stage"]) == (wanted, stages[-1])


def test_who_puts_a_stage_back_is_not_overruled(synced: Loop) -> None:
    stage, stages = STATES[synced.crm][1:]
    listening(synced)
    synced.retitle("p20", CHIEF)
    synced.sync()
    synced.advance(60)
    person = synced.people()["p20"]
    synced.edit(person, **{stage: stages[0]})
    synced.advance(60)
    synced.sync()
    assert held(synced, "p20")["stage"] == stages[0]


def test_a_stage_that_the_order_does_not_have_is_a_persons_own(synced: Loop) -> None:
    wanted = listening(synced, order=STATES[synced.crm][2][1:])
    first = STATES[synced.crm][2][0]
    synced.edit(synced.people()["p20"], **{STATES[synced.crm][1]: first})
    synced.retitle("p20", CHIEF)
    synced.sync()
    assert held(synced, "p20")["stage"] == first != wanted


@pytest.mark.parametrize("crm", ["hubspot"])
def test_what_has_no_field_or_is_no_value_is_named(synced: Loop) -> None:
    text = synced.config.read_text(encoding="utf-8")
    added = 'band = "hot"\nnurture = "x"\nlifecycle = "mql"\n'
    synced.config.write_text(text.replace('band = "hot"\n', added, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        synced.sync()
    assert "action.hot.nurture: the mapping has no [write.nurture]" in str(caught.value)
    assert "action.hot.lifecycle: the mapping has no [write.lifecycle]" in str(caught.value)
    synced.config.write_text(text, encoding="utf-8")
    wanted = listening(synced)
    wrong = synced.config.read_text(encoding="utf-8").replace(f'"{wanted}"', '"marketingqualified"')
    synced.config.write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"is not in order .*did you mean 'marketingqualifiedlead'"):
        synced.sync()
