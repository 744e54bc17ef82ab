"""One writer per store: the second is told who the first is; a dead one is in nobody's way."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connector.errors import Locked
from connector.store import cursors
from connector.store.lock import hold, holder
from connector.store.state import open_state

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from pathlib import Path
from connector.store.lock import hold

with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_writer(folder: Path) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


@pytest.mark.fault("F15")
def test_the_second_writer_is_told_who_holds_the_store(tmp_path: Path) -> None:
    with other_writer(tmp_path) as process:
        with pytest.raises(Locked) as caught, hold(tmp_path):
            pytest.fail("two writers at once")
        assert f"pid {process.pid} on {socket.gethostname()}, since 20" in caught.value.message
        assert caught.value.exit_code == 6
        process.communicate("")
    with hold(tmp_path):
        found = holder(tmp_path)
        assert found is not None
        assert found["pid"] == str(os.getpid())
    assert holder(tmp_path) is None


@pytest.mark.fault("F15")
def test_a_killed_holder_is_taken_over(tmp_path: Path) -> None:
    with other_writer(tmp_path) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        found = holder(tmp_path)
        assert found is not None
        assert found["pid"] == str(process.pid)
        with hold(tmp_path):
            pass


def test_the_lock_holds_in_one_process_too_and_is_let_go_on_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), hold(tmp_path):  # noqa: PT012 - the block is the point
        with pytest.raises(Locked), hold(tmp_path):
            pytest.fail("two writers at once")
        raise RuntimeError
    with hold(tmp_path):
        pass


def test_readers_need_no_lock(tmp_path: Path) -> None:
    with other_writer(tmp_path):
        assert cursors.get(open_state(tmp_path), "Lead") is None


def test_an_unsigned_lock_is_still_a_lock(tmp_path: Path) -> None:
    with other_writer(tmp_path):
        (tmp_path / "writer.json").write_text("{", encoding="utf-8")
        with pytest.raises(Locked, match="pid unknown"), hold(tmp_path):
            pytest.fail("two writers at once")
