"""What is wrong is said once, whole, with the exit code of its kind, and nothing is written."""

import os
from pathlib import Path

import pytest

from connector.store.lock import hold
from tests.cli.commands import Shell, refused
from tests.loop.loops import Loop

THREE_ERRORS = """
[model]
id = "broken"

[[fit]]
id = "chief"
label = "C-level"
when = { field = "seniorty", is = "c_level" }
points = 60

[[fit]]
id = "chief"
label = "again"
when = { field = "title", sounds_like = "chief" }
points = "many"

[[band]]
id = "hot"
at_least = 50

[[band]]
id = "cold"
"""
MISSPELT = {
    "salesforce": 'extends = "salesforce"\n[read.Lead.fields]\ntitle = "Titel"\ncompany = "Compny"\n',
    "hubspot": 'extends = "hubspot"\n[read.contacts.fields]\ntitle = "jobtitel"\ncompany = "compny"\n',
}


def change(path: Path, old: str, new: str) -> None:
    """Edit a file in place, keeping its mode."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.fault("F10")
def test_a_wrong_token(synced: Loop, shell: Shell) -> None:
    mark, before = synced.mark(), synced.control("stats")["requests"]
    change(synced.config, synced.ready["token"], "wrong-" + synced.ready["token"])
    for command in ("sync", "plan", "pull"):
        refused(shell.on(synced, command), 5, "token")
    assert synced.writes(mark) == []
    assert synced.control("stats")["requests"] - before <= 6  # no storm of logins
    doctor = shell.on(synced, "doctor")
    assert doctor.code == 2
    assert [check["name"] for check in doctor.json["checks"] if not check["ok"]] == ["connection"]


@pytest.mark.fault("I10")
def test_the_token_is_never_said(synced: Loop, shell: Shell) -> None:
    wrong = "wrong-" + synced.ready["token"]
    change(synced.config, synced.ready["token"], wrong)
    ran = shell.on(synced, "sync")
    assert wrong not in ran.err
    assert synced.ready["token"] not in ran.err


@pytest.mark.fault("F32")
def test_a_stopped_crm(synced: Loop, shell: Shell) -> None:
    change(
        synced.config,
        synced.ready["url"],
        "https://127.0.0.1:9" if synced.crm == "salesforce" else "http://127.0.0.1:9",
    )
    refused(shell.on(synced, "sync"), 75)
    assert shell.on(synced, "status").code == 0  # the store can be looked at without it


@pytest.mark.fault("F21")
def test_fields_of_ours_that_are_hidden(fresh: Loop, shell: Shell) -> None:
    name, mark = fresh.words.people[0], fresh.mark()
    hidden = [f"{name}.{fresh.words.score}", f"{name}.{fresh.words.band}"]
    fresh.control("settings", {"hidden_fields": hidden})
    refused(shell.on(fresh, "sync"), 2, fresh.words.score, fresh.words.band, "leadlight provision")
    assert fresh.writes(mark) == []
    doctor = shell.on(fresh, "doctor")
    assert doctor.code == 2
    wrong = [check for check in doctor.json["checks"] if not check["ok"]]
    assert len(wrong) == 2
    assert all(check["fix"] for check in wrong)


def test_a_field_that_is_read_and_hidden(fresh: Loop, shell: Shell) -> None:
    name, mark = fresh.words.people[0], fresh.mark()
    fresh.control("settings", {"hidden_fields": [f"{name}.{fresh.words.title}"]})
    refused(shell.on(fresh, "sync"), 2, f"{name} has no field {fresh.words.title}", "grant read access")
    assert fresh.writes(mark) == []


@pytest.mark.fault("F11")
def test_an_object_that_may_not_be_seen(fresh: Loop, shell: Shell) -> None:
    mark = fresh.mark()
    if fresh.crm == "salesforce":
        unseen = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
        paths = ("/composite$", "/sobjects/Account/")  # objects are described together where an org can do that
        rules = [{"match": {"path_re": path}, "act": {"status": 404, "body": unseen}} for path in paths]
        fresh.control("faults", rules)
    else:
        fresh.control("settings", {"hidden_fields": ["companies.*"]})
    if fresh.crm == "salesforce":
        said, code = "object Account does not exist or the connecting user may not see it", 2
    else:  # HubSpot names the scope that is missing
        said, code = "the token lacks a scope; grant one of: crm.", 5
    refused(shell.on(fresh, "sync"), code, said)
    assert said in shell.on(fresh, "doctor").out
    assert fresh.writes(mark) == []


def test_a_mapping_to_fields_that_do_not_exist(synced: Loop, shell: Shell) -> None:
    (synced.folder / "own.toml").write_text(MISSPELT[synced.crm], encoding="utf-8")
    change(synced.config, f'mapping = "{synced.crm}"', 'mapping = "own.toml"')
    mark = synced.mark()
    names = ("Titel", "Compny") if synced.crm == "salesforce" else ("jobtitel", "compny")
    refused(shell.on(synced, "sync"), 2, *names, f"did you mean {synced.words.title}")
    assert synced.writes(mark) == []


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_model_with_three_errors(synced: Loop, shell: Shell) -> None:
    (synced.folder / "model.toml").write_text(THREE_ERRORS, encoding="utf-8")
    before = synced.control("stats")["requests"]
    refused(shell.on(synced, "sync"), 2, "sounds_like", "many", "chief")
    assert synced.control("stats")["requests"] == before
    change(synced.folder / "model.toml", 'sounds_like = "chief"', 'is = "x"')
    change(synced.folder / "model.toml", 'points = "many"', "points = 1")
    change(synced.folder / "model.toml", 'id = "chief"\nlabel = "again"', 'id = "other"\nlabel = "again"')
    mark = synced.mark()
    refused(shell.on(synced, "sync"), 2, "seniorty", "seniority")
    assert synced.writes(mark) == []


@pytest.mark.parametrize("crm", ["hubspot"])
def test_problems_of_model_and_mapping_are_told_together(synced: Loop, shell: Shell) -> None:
    (synced.folder / "model.toml").write_text(THREE_ERRORS, encoding="utf-8")
    (synced.folder / "own.toml").write_text(f'extends = "{synced.crm}"\ncolour = "red"\n', encoding="utf-8")
    change(synced.config, f'mapping = "{synced.crm}"', 'mapping = "own.toml"')
    refused(shell.on(synced, "sync"), 2, "sounds_like", "colour")


@pytest.mark.parametrize("crm", ["salesforce"])
def test_unknown_and_missing_keys_of_the_configuration(synced: Loop, shell: Shell) -> None:
    change(synced.config, "max_changed_share = 0.5", 'max_changed_shar = 0.5\ndaily_api = "lots"')
    change(synced.config, 'band = "hot"', 'band = "hottest"')
    ran = shell.on(synced, "sync")
    refused(ran, 2, "max_changed_shar", "daily_api")
    assert "max_changed_share" in ran.err  # what was meant


@pytest.mark.parametrize("crm", ["hubspot"])
def test_an_action_on_a_band_that_the_model_lacks(synced: Loop, shell: Shell) -> None:
    change(synced.config, 'band = "hot"', 'band = "hottest"')
    refused(shell.on(synced, "sync"), 2, "action.hottest", "hot, warm, cold")


def test_a_pool_with_people_whom_the_crm_does_not_know(synced: Loop, shell: Shell) -> None:
    change(synced.config, "ana.keller@", "ana.kellner@")
    change(synced.config, "ben.osei@", "ben.ossi@")
    mark = synced.mark()
    refused(shell.on(synced, "sync"), 2, "ana.kellner@", "ben.ossi@")
    assert synced.writes(mark) == []


@pytest.mark.parametrize("command", ["sync", "plan", "status", "doctor", "provision", "daemon"])
def test_no_configuration(shell: Shell, tmp_path: Path, command: str) -> None:
    ran = shell.run(command, "-c", tmp_path / "nowhere.toml")
    assert ran.code == 2
    assert "nowhere.toml: no such file" in ran.err + ran.out
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "args",
    [
        ["syncc"],
        ["sync", "--as-of", "yesterday"],
        ["demo", "--crm", "pipedrive"],
        ["score", "--model", "preset:simple"],
    ],
)
def test_what_cannot_be_understood_is_a_usage_error(shell: Shell, args: list[str]) -> None:
    ran = shell.run(*args)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


@pytest.mark.fault("F15")
@pytest.mark.parametrize("crm", ["hubspot"])
def test_a_second_writer_is_refused_and_told_who_writes(synced: Loop, shell: Shell) -> None:
    mark = synced.mark()
    with hold(synced.folder / "leadlight-store"):
        refused(shell.on(synced, "sync"), 6, str(os.getpid()))
        assert shell.on(synced, "status").code == 0
    assert synced.writes(mark) == []


@pytest.mark.fault("F27")
@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_guard_stops_a_run_that_would_move_too_many(synced: Loop, shell: Shell) -> None:
    change(synced.config, "max_changed_share = 0.5", "max_changed_share = 0.5\nmin_population = 10")
    change(synced.folder / "model.toml", "at_least = 50\nrelease_below = 40", "at_least = 0\nrelease_below = 0")
    change(synced.folder / "model.toml", "at_least = 20\nrelease_below = 15", "at_least = -1\nrelease_below = -1")
    mark = synced.mark()
    refused(shell.on(synced, "sync"), 4, "--allow changed_bands", "--allow changed_owners", "--accept-model")
    assert synced.writes(mark) == []
    flags = [word for name in ("changed_bands", "changed_owners", "new_tasks") for word in ("--allow", name)]
    assert shell.on(synced, "sync", *flags, "--accept-model").code == 0
    assert len(synced.writes(mark)) > 0
