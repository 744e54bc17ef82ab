"""Values that no field should hold, in the records that are pulled."""

import pytest

from tests.loop.loops import CHIEF, Loop

ODD = (
    "x" * 300_000,
    "Chief \u202e Executive \u0000\ufeff Officer",
    "=cmd|'/c calc'!A1",
    "{{ 7 * 7 }} {% for x in y %}",
    "NaN",
    "1e309",
)


@pytest.mark.fault("F19", "I2")
def test_strange_texts_are_scored_as_any_other_and_stop_nobody(synced: Loop) -> None:
    name = "LastName" if synced.crm == "salesforce" else "lastname"
    limit = 80 if synced.crm == "salesforce" else 60_000
    people = synced.people()
    for number, text in enumerate(ODD):
        fields = {name: text[:limit], synced.words.title: CHIEF}
        synced.edit(people[f"p{8 + number:02d}"], **fields)
    synced.advance(60)
    outcome = synced.sync()
    assert outcome.applied is not None
    assert (outcome.status, outcome.applied.rejected) == ("ok", 0)
    bands = {who: person["fields"][synced.words.band] for who, person in synced.people().items()}
    assert all(bands[f"p{8 + number:02d}"] == "hot" for number in range(len(ODD)))
    assert len(synced.tasks()) == 5 + len(ODD)
    assert synced.waiting() == []
