"""Crash points end the process only where they are armed, and count down by name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connector.crash import ARMED, KILLED, TRACE

PASSES = "from connector.crash import crash_point\nfor name in ('a', 'b', 'a', 'b'): crash_point(name)\n"


@pytest.mark.parametrize(
    ("armed", "passed"), [(None, "abab"), (":3", "ab"), ("b:2", "aba"), ("a:1", ""), ("c:1", "abab"), (":5", "abab")]
)
def test_the_process_ends_at_the_armed_point_and_nowhere_else(armed: str | None, passed: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    environment = {**os.environ, TRACE: str(trace)} | ({ARMED: armed} if armed else {})
    ended = subprocess.run([sys.executable, "-c", PASSES], env=environment, check=False)
    assert ended.returncode == (0 if passed == "abab" else KILLED)
    assert (trace.read_text("utf-8").replace("\n", "") if trace.exists() else "") == passed
