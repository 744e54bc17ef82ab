"""Somebody asks to be forgotten: nothing is left in any file of the store, and no later run brings them back."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.commands import Shell, refused
from tests.loop.loops import CHIEF, CLERK, Loop

CANARY = "canary-7f3a@forgotten.example"


def mail_field(loop: Loop) -> str:
    return "Email" if loop.crm == "salesforce" else "email"


def traces(folder: Path, *words: str) -> list[str]:
    """List where any of these words stands: in the bytes of a file, or in the values of a Parquet file."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        held = path.read_bytes().lower()
        if path.suffix == ".parquet":
            held += str(pq.read_table(path).to_pylist()).lower().encode()
        found += [f"{word} in {path.relative_to(folder)}" for word in words if word.lower().encode() in held]
    return found


@pytest.mark.fault("I13")
def test_nothing_is_left_and_nothing_comes_back(fresh: Loop, shell: Shell) -> None:
    store = fresh.folder / "leadlight-store"
    fresh.edit(fresh.people()["p01"], **{mail_field(fresh): CANARY})
    fresh.sync(backfill=True)
    fresh.retitle("p01", CLERK)
    fresh.sync()
    fresh.retitle("p01", CHIEF)
    fresh.sync()
    person = fresh.people()["p01"]
    assert traces(store, CANARY, person["id"])
    asked = shell.on(fresh, "erase", CANARY.upper())
    assert (asked.code, asked.json["ids"], asked.json["erased"]) == (0, [person["id"]], False)
    assert traces(store, CANARY)
    done = shell.on(fresh, "erase", CANARY, "--yes").json
    assert done["rows"] > 5
    own = [person["id"], CANARY] if fresh.crm == "salesforce" else [CANARY]  # HubSpot's ids are short numbers
    assert traces(store, *own) == []
    refused(shell.run("explain", person["id"], "-c", fresh.config), 2, person["id"])
    fresh.retitle("p01", CLERK)
    fresh.advance(60)
    mark = fresh.mark()
    outcome = fresh.sync()
    assert outcome.scored["people"] == 23
    assert [row for row in fresh.writes(mark) if row["id"] == person["id"]] == []
    assert traces(store, *own) == []
    assert shell.on(fresh, "erase", CANARY, "--yes").code == 0  # once more does no harm
    fresh.advance(60)
    assert fresh.sync().status == "ok"


def test_others_keep_all_they_had(synced: Loop, shell: Shell) -> None:
    people = synced.people()
    before = {who: shell.on(synced, "explain", people[who]["id"]).json["total"] for who in ("p00", "p08", "p23")}
    shell.on(synced, "erase", people["p01"]["id"], "--yes")
    after = {who: shell.on(synced, "explain", people[who]["id"]).json["total"] for who in before}
    assert after == before
    mark = synced.mark()
    synced.sync()
    assert synced.writes(mark) == []


def test_who_is_not_known_is_said(synced: Loop, shell: Shell) -> None:
    refused(shell.run("erase", "nobody", "-c", synced.config, "--yes"), 2, "knows nobody by nobody")
