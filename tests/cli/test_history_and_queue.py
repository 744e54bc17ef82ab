"""Looking at what was done, taking it back, and deciding about what was refused."""

from tests.cli.commands import Shell, refused
from tests.loop.loops import CHIEF, DIRECTOR, Loop
from tests.loop.test_refused_rows import RECORDS, refuse


def test_a_run_is_shown_and_taken_back(synced: Loop, shell: Shell) -> None:
    synced.retitle("p20", CHIEF)
    run_id = shell.on(synced, "sync").json["run_id"]
    shown = shell.on(synced, "runs", "show", run_id).json
    score = synced.words.score
    (row,) = [row for row in shown["rows"] if row["kind"] == "fields"]
    assert (row["state"], row["fields"][score][1]) == ("done", 60)
    told = shell.run("runs", "undo", run_id, "-c", synced.config)
    assert told.code == 0
    assert f"{score}: 60 -> 0;" in told.out
    assert f"Next: leadlight runs undo {run_id} --yes" in told.out
    assert float(synced.people()["p20"]["fields"][score]) == 60
    synced.advance(60)
    done = shell.on(synced, "runs", "undo", run_id, "--yes").json
    assert (done["undone"], done["records"], done["applied"]["done"]) == (run_id, 1, 1)
    assert float(synced.people()["p20"]["fields"][score]) == 0


def test_an_unknown_run_is_told(synced: Loop, shell: Shell) -> None:
    refused(shell.run("runs", "show", "r9", "-c", synced.config), 2, "no run r9", "leadlight runs list")


def test_refused_rows_are_listed_retried_and_dropped(synced: Loop, shell: Shell) -> None:
    synced.retitle("p20", DIRECTOR)
    refuse(synced, RECORDS[synced.crm], "PATCH|POST")
    assert shell.on(synced, "sync").code == 1
    synced.control("faults", method="DELETE")
    (row,) = shell.on(synced, "queue", "list").json["rows"]
    assert (row["state"], row["attempts"]) == ("quarantined", 1)
    assert "ask Ana" in row["reason"]
    assert row["not_before"]
    refused(shell.run("queue", "retry", "999", "-c", synced.config), 2, "no refused row has the id 999")
    assert shell.on(synced, "queue", "retry", row["id"]).json["retried"] == [row["id"]]
    assert shell.on(synced, "sync").json["applied"]["done"] == 1
    assert shell.on(synced, "queue", "list").json["rows"] == []
    refused(shell.run("queue", "drop", row["id"], "-c", synced.config), 2, "leadlight queue list")


def test_a_changed_model_needs_a_flag(synced: Loop, shell: Shell) -> None:
    model = synced.folder / "model.toml"
    model.write_text(model.read_text("utf-8").replace("points = 60", "points = 61"), encoding="utf-8")
    refused(shell.run("sync", "-c", synced.config), 4, "guard model_changed", "--accept-model")
    assert shell.on(synced, "sync", "--accept-model").code == 0
