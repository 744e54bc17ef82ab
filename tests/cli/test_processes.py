"""Processes that are killed, told to stop, or started twice; each waits on the sandbox's own counts."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connector.store.lock import hold, holder
from tests.cli.commands import Shell, refused
from tests.loop.loops import HOT, Loop, write_world, written_state

RECORDS = {"salesforce": r"/composite/sobjects$", "hubspot": r"/contacts/batch/update$"}
TASKS = {"salesforce": r"/composite/sobjects(/Task/.*)?$", "hubspot": r"/tasks/batch/upsert$"}
HELD_S = 120
LATEST_S = 60.0


@contextmanager
def leadlight(*args: object) -> Iterator[subprocess.Popen[str]]:
    """Run a command as a process of its own; it is gone when the block ends."""
    command = [sys.executable, "-m", "connector", *map(str, args)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until_fault(loop: Loop) -> None:
    """Wait until the sandbox has struck a request."""
    ends_at = time.monotonic() + LATEST_S
    while not loop.control("stats")["faults_fired"]:
        assert time.monotonic() < ends_at, "the fault never struck"
        time.sleep(0.02)


@pytest.mark.fault("F12", "F15", "I4")
@pytest.mark.parametrize(("crm", "what"), [("salesforce", "records"), ("hubspot", "tasks")])
def test_a_sync_killed_in_the_middle_of_apply_is_made_good(
    fresh: Loop, shell: Shell, expected: dict[str, Any], what: str
) -> None:
    path = (RECORDS if what == "records" else TASKS)[fresh.crm]
    method = "POST" if what == "tasks" else "PATCH|POST"
    fresh.fault(method, path, "after_commit", hang_s=HELD_S)
    with leadlight("sync", "-c", fresh.config, "--backfill-tasks") as process:
        until_fault(fresh)
        refused(shell.on(fresh, "sync"), 6, str(process.pid))
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(LATEST_S) == -signal.SIGKILL
    assert "inflight" in fresh.waiting()
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    assert shell.on(fresh, "sync").code == 0
    assert written_state(fresh) == expected
    assert len(fresh.tasks()) == len(HOT)
    assert fresh.waiting() == []


@pytest.mark.fault("F14")
@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_daemon_told_to_stop_ends_what_it_began(fresh: Loop, expected: dict[str, Any]) -> None:
    act = {"match": {"path_re": RECORDS[fresh.crm], "nth": 1}, "when": "before_commit", "act": {"hang_s": 1.5}}
    fresh.control("faults", [act])
    with leadlight("daemon", "-c", fresh.config) as process:
        until_fault(fresh)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=LATEST_S)
    assert (process.returncode, out) == (0, "")
    assert "daemon stopping" in err
    assert "Traceback" not in err
    assert fresh.ready["token"] not in err
    assert holder(fresh.folder / "leadlight-store") is None
    bands = {who: person["fields"][fresh.words.band] for who, person in fresh.people().items()}
    assert all(bands.values()) or fresh.waiting()  # the batch under way was ended, the rest waits
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    fresh.sync()
    state = written_state(fresh)
    assert {who: state[who] for who in HOT} == {who: expected[who] for who in HOT}
    assert fresh.waiting() == []


GRACE = """
import sys
from pathlib import Path
from connector.daemon import serve
from connector.settings.file import load_settings
serve(Path(sys.argv[1]), load_settings(Path(sys.argv[1])), grace_s=float(sys.argv[2]))
"""


@contextmanager
def daemon_with(loop: Loop, grace_s: float) -> Iterator[subprocess.Popen[str]]:
    """Run a daemon that waits so long for the batch under way."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    words = [sys.executable, "-c", GRACE, str(loop.config), str(grace_s)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment) as one:
        try:
            yield one
        finally:
            one.kill()


@pytest.mark.fault("F14")
@pytest.mark.parametrize(("crm", "signals", "code"), [("hubspot", 1, 0), ("salesforce", 2, -signal.SIGTERM)])
def test_a_daemon_leaves_a_request_that_does_not_end(
    fresh: Loop, expected: dict[str, Any], signals: int, code: int
) -> None:
    fresh.fault("PATCH|POST", RECORDS[fresh.crm], "after_commit", hang_s=HELD_S)
    with daemon_with(fresh, grace_s=0.5 if signals == 1 else HELD_S) as process:
        until_fault(fresh)
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.2)  # two signals at once may arrive as one
        assert process.wait(LATEST_S) == code
    assert "inflight" in fresh.waiting()
    fresh.control("faults", method="DELETE")
    fresh.advance(60)
    fresh.sync()
    state = written_state(fresh)
    assert {who: state[who] for who in HOT} == {who: expected[who] for who in HOT}
    assert fresh.waiting() == []


@pytest.mark.fault("F15")
@pytest.mark.parametrize("crm", ["hubspot"])
def test_a_second_daemon_is_refused(synced: Loop, shell: Shell) -> None:
    with hold(synced.folder / "leadlight-store" / "daemon"):
        ran = shell.run("daemon", "-c", synced.config)
    refused(ran, 6, str(os.getpid()))


@pytest.mark.parametrize("crm", ["salesforce"])
def test_stdout_of_a_process_is_the_result_alone(synced: Loop) -> None:
    with leadlight("sync", "-c", synced.config, "--json") as process:
        out, err = process.communicate(timeout=LATEST_S)
    assert process.returncode == 0
    assert json.loads(out)["status"] == "ok"
    assert out.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("crm", ["salesforce"])
def test_a_sandbox_serves_a_folder_and_init_writes_a_configuration_for_it(
    crm: str, shell: Shell, tmp_path: Path
) -> None:
    write_world(tmp_path / "world")
    with leadlight("sandbox", "serve", "--crm", crm, "--world", tmp_path / "world") as process:
        line = process.stdout.readline() if process.stdout else ""
        ready = tmp_path / "ready.json"
        ready.write_text(line, encoding="utf-8")
        config = tmp_path / "config.toml"
        made = shell.run(
            "init", "--from-sandbox", ready, "--model", "preset:b2b_saas", "-o", config, "--yes", "--json"
        )  # fmt: skip
        assert made.code == 0
        assert (made.json["path"], made.json["crm"]) == (str(config), crm)
        assert config.stat().st_mode & 0o077 == 0
        assert len(shell.run("provision", "-c", config, "--yes", "--json").json["created"]) >= 8
        assert shell.run("sync", "-c", config, "--json").json["scored"]["people"] == 24
        again = shell.run("init", "--from-sandbox", ready, "-o", config, "--json")
        refused(again, 2, "exists already", "--yes")
        process.send_signal(signal.SIGTERM)
        assert process.wait(LATEST_S) == 0
