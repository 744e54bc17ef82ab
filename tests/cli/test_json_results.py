"""`--json` prints one object with the promised keys, whatever the command."""

import json
from pathlib import Path

import pytest

from tests.cli.commands import Ran, Shell
from tests.loop.loops import CHIEF, HOT, Loop

RUN = {
    "run_id", "status", "as_of", "api_calls", "pulled", "scored", "carried_over", "plan", "applied",
    "duration_s", "peak_rss_mb",
}  # fmt: skip


def test_a_run_from_pull_to_apply(fresh: Loop, shell: Shell, tmp_path: Path) -> None:
    assert shell.on(fresh, "provision", "--yes").json["created"] == []
    assert shell.on(fresh, "pull").json["pulled"]["people"] == 24
    assert shell.on(fresh, "score").json["scored"]["people"] == 24
    path = tmp_path / "plan.json"
    planned = shell.on(fresh, "plan", "--backfill-tasks", "-o", path)
    told = planned.json
    assert planned.code == 0
    assert {"changes", "fields", "owners", "tasks", "checksum", "guards", "path"} <= set(told)
    assert (told["fields"], told["owners"], told["tasks"], told["path"]) == (24, 2, len(HOT), str(path))
    assert json.loads(path.read_text(encoding="utf-8"))["checksum"] == told["checksum"]
    applied = shell.on(fresh, "apply", path)
    assert applied.code == 0
    assert (applied.json["done"], applied.json["rejected"], applied.json["superseded"]) == (29, 0, 0)
    assert applied.json["checksum"] == told["checksum"]
    check_sync(shell.on(fresh, "sync"))
    assert len(fresh.tasks()) == len(HOT)


def check_sync(ran: Ran) -> None:
    """Check the result of a sync that found nothing to do."""
    assert ran.code == 0
    told = ran.json
    assert set(told) >= RUN
    assert set(told["api_calls"]) == {"read", "write"}
    assert set(told["plan"]) >= {"fields", "owners", "tasks"}
    assert set(told["plan"].values()) == {0}
    assert told["applied"]["done"] == told["applied"]["rejected"] == told["applied"]["superseded"] == 0
    assert told["status"] == "ok"
    assert told["as_of"].endswith("Z")


@pytest.mark.parametrize("crm", ["hubspot"])
def test_detailed_exit_codes_tell_whether_changes_are_pending(synced: Loop, shell: Shell) -> None:
    assert shell.on(synced, "plan", "--detailed-exitcode").code == 0
    synced.retitle("p20", CHIEF)
    assert shell.on(synced, "pull").code == 0
    assert shell.on(synced, "plan", "--detailed-exitcode").code == 3
    assert shell.on(synced, "plan").code == 0


@pytest.mark.parametrize("crm", ["hubspot"])
def test_who_did_not_change_is_carried_over(synced: Loop, shell: Shell) -> None:
    assert shell.on(synced, "sync").json["carried_over"] == {"people": 0, "accounts": 0}  # sees the owners it gave
    synced.retitle("p20", CHIEF)
    told = shell.on(synced, "sync", "--changed-only").json
    assert (told["scored"]["people"], told["carried_over"]["people"]) == (24, 23)
    synced.advance(60)  # within the same second the bands of that run would not count as seen before
    quick = shell.run("plan", "--changed-only", "-c", synced.config)
    assert quick.code == 0
    assert "0 changes" in quick.out
    ran = shell.run("score", "--changed-only", "-c", synced.config)
    assert "24 of them carried over" in ran.out


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_stale_plan_ends_with_4_and_a_changed_one_with_2(synced: Loop, shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    synced.retitle("p20", CHIEF)
    shell.on(synced, "pull")
    shell.on(synced, "plan", "-o", path)
    changed = tmp_path / "changed.json"
    changed.write_text(path.read_text(encoding="utf-8").replace('"hot"', '"warm"', 1), encoding="utf-8")
    synced.retitle("p21", CHIEF)
    shell.on(synced, "pull")
    mark = synced.mark()
    stale, edited = shell.on(synced, "apply", path), shell.on(synced, "apply", changed)
    assert (stale.code, stale.out) == (4, "")
    assert "stale" in stale.err
    assert (edited.code, edited.out) == (2, "")
    assert "changed after it was made" in edited.err
    assert synced.writes(mark) == []


def test_explain_names_every_point(synced: Loop, shell: Shell) -> None:
    for who in ("p00", "p08", "p20"):
        person = synced.people()[who]
        told = shell.on(synced, "explain", person["id"]).json
        assert {
            "subject_id", "model", "as_of", "state", "fit", "engagement", "total", "band", "previous_band",
            "contributions", "reasons",
        } <= set(told)  # fmt: skip
        assert set(told["model"]) >= {"id", "hash"}
        assert abs(sum(row["points"] for row in told["contributions"]) - told["total"]) < 1e-9
        assert told["band"] == person["fields"][synced.words.band]
        for row in told["contributions"]:
            assert set(row) >= {"rule_id", "kind", "events", "first_at", "last_at", "points"}


@pytest.mark.parametrize("crm", ["hubspot"])
def test_explain_of_nobody_is_a_usage_error(synced: Loop, shell: Shell) -> None:
    ran = shell.on(synced, "explain", "nobody")
    assert (ran.code, ran.out) == (2, "")
    assert "nobody" in ran.err


@pytest.mark.parametrize("crm", ["salesforce"])
def test_looking_at_the_store_asks_the_crm_nothing(synced: Loop, shell: Shell) -> None:
    before = synced.control("stats")["requests"]
    status = shell.on(synced, "status").json
    assert (status["tables"]["people"], status["tables"]["scores"], status["tables"]["events"]) == (24, 24, 8)
    assert status["outbox"] == {}
    assert [run["command"] for run in status["runs"]] == ["sync"]
    assert shell.on(synced, "queue", "list").json["rows"] == []
    runs = shell.on(synced, "runs", "list").json["runs"]
    assert [(run["command"], run["status"]) for run in runs] == [("sync", "ok")]
    assert synced.control("stats")["requests"] == before


def test_doctor_finds_nothing_wrong_with_a_sound_setup(synced: Loop, shell: Shell) -> None:
    mark = synced.mark()
    ran = shell.on(synced, "doctor")
    checks = ran.json["checks"]
    assert ran.code == 0
    assert all(set(check) >= {"name", "ok", "detail", "fix"} for check in checks)
    assert {"configuration", "store", "connection", "mapping", "owners"} <= {check["name"] for check in checks}
    assert [check for check in checks if not check["ok"]] == []
    assert synced.writes(mark) == []


@pytest.mark.fault("F8", "I2")
def test_a_refused_row_stays_in_the_queue_with_its_reason(synced: Loop, shell: Shell) -> None:
    synced.retitle("p20", CHIEF)
    refuse_one(synced, synced.people()["p20"]["id"])
    ran = shell.on(synced, "sync")
    assert ran.code == 1
    assert (ran.json["applied"]["rejected"], ran.json["status"]) == (1, "completed_with_errors")
    rows = shell.on(synced, "queue", "list").json["rows"]
    assert len(rows) == 1
    assert {"id", "kind", "object", "record_id", "state", "attempts", "reason"} <= set(rows[0])
    assert (rows[0]["kind"], rows[0]["state"]) == ("fields", "quarantined")
    assert rows[0]["reason"]


def refuse_one(loop: Loop, record_id: str) -> None:
    """Make the CRM refuse the one row of the next update, as a validation rule does."""
    if loop.crm == "salesforce":
        error = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "no", "fields": []}
        loop.fault(
            "PATCH", r"/composite/sobjects$", "before_commit", status=200,
            body=[{"id": record_id, "success": False, "errors": [error]}],
        )  # fmt: skip
        return
    problem = {"status": "error", "category": "VALIDATION_ERROR", "message": "no", "context": {"ids": [record_id]}}
    body = {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [problem]}
    loop.fault("POST", r"/contacts/batch/update$", "before_commit", status=207, body=body)


@pytest.mark.parametrize("args", [["--help"], ["sync", "--help"], ["sandbox", "serve", "--help"]])
def test_help_is_there(shell: Shell, args: list[str]) -> None:
    ran = shell.run(*args)
    assert ran.code == 0
    assert "Usage" in ran.out
