"""What the long runs share: a sandbox in a process of its own, and commands of the command line, measured."""

import compileall
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import requests

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "connector")
CRMS = ("salesforce", "hubspot")
CONTROL_TIMEOUT_S = 600
ENDS_WITHIN_S = 30
RSS_UNITS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024
# Nothing waits for a limit that the sandbox does not have; the 190 calls that it says are left must look plenty.
LIFTED = {"LEADLIGHT_LIMITS__RATE_PER_10S": "1000", "LEADLIGHT_LIMITS__SEARCH_PER_S": "10000"}
QUIET = {"LEADLIGHT_LOG__LEVEL": "error"}


def compile_sources() -> None:
    """Compile the product's sources, as installing it does; nobody measures that by chance."""
    for package in ("benchmarks", "connector", "mappings", "scoring"):
        compileall.compile_dir(ROOT / package, quiet=2)


class BenchmarkError(Exception):
    """Something that must work did not; the message is for people."""


@dataclass(frozen=True)
class Ran:
    """Hold a command that ended: its JSON result, what it said to people, and what it took.

    code is negative where a signal ended it. cpu_s is user and system time, start-up included.
    """

    words: tuple[str, ...]
    code: int
    result: Mapping[str, Any]
    said: str
    wall_s: float
    cpu_s: float
    peak_rss_mb: float


@dataclass(frozen=True)
class Started:
    """A command under way."""

    words: tuple[str, ...]
    process: subprocess.Popen[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]
    started_s: float

    def ended(self) -> bool:
        """Tell whether it has ended; its figures stay for `finish`."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def kill(self) -> None:
        """End it as a power cut would."""
        os.kill(self.process.pid, signal.SIGKILL)

    def finish(self) -> Ran:
        """Wait for its end and take what it used."""
        _, status, used = os.wait4(self.process.pid, 0)
        wall_s = time.monotonic() - self.started_s
        self.process.returncode = os.waitstatus_to_exitcode(status)
        told, said = read_back(self.stdout), read_back(self.stderr)
        return Ran(
            self.words,
            self.process.returncode,
            json.loads(told) if told.startswith("{") and told.endswith("}\n") else {},
            said,
            wall_s,
            used.ru_utime + used.ru_stime,
            used.ru_maxrss / RSS_UNITS_PER_MB,
        )


def read_back(file: IO[bytes]) -> str:
    """Read what a process wrote into a file, and close it."""
    with file:
        file.seek(0)
        return file.read().decode("utf-8", "replace")


def begin(*words: str, env: Mapping[str, str] | None = None) -> Started:
    """Start a command of the command line that answers in JSON."""
    stdout, stderr = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - `finish` closes them
    environment = {**os.environ, **LIFTED, **QUIET, **(env or {})}
    process = subprocess.Popen([*COMMAND, *words, "--json"], stdout=stdout, stderr=stderr, env=environment)
    return Started(words, process, stdout, stderr, time.monotonic())


def run(*words: str, env: Mapping[str, str] | None = None, allowed: Sequence[int] = (0,)) -> Ran:
    """Run a command to its end; raises BenchmarkError where it ends with a code that is not allowed."""
    ran = begin(*words, env=env).finish()
    if ran.code not in allowed:
        raise BenchmarkError(f"leadlight {' '.join(words)}: ended with {ran.code}\n{ran.said[-3000:]}")
    return ran


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that answers, the process that serves it, and the file that holds its records."""

    ready: Mapping[str, Any]
    pid: int
    db: Path

    def control(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        """Call the control API; raises BenchmarkError where it refuses."""
        address = f"{self.ready['control_url']}/control/{path}"
        answer = requests.request(method, address, json=body, timeout=CONTROL_TIMEOUT_S)
        if not answer.ok:
            raise BenchmarkError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def stats(self) -> dict[str, Any]:
        """Count what came so far."""
        told: dict[str, Any] = self.control("GET", "stats")
        return told

    def cpu_s(self) -> float:
        """Tell the process's user and system time so far; 0 where the system has no /proc."""
        try:
            text = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        except OSError:
            return 0.0
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(crm: str, folder: Path, *, people: int, seed: int, lifted: bool = True) -> Iterator[Sandbox]:
    """Serve a made-up world from a process of its own; `lifted` takes the vendor's rate limits away."""
    folder.mkdir(parents=True, exist_ok=True)
    db = folder / "sandbox.db"
    words = ("sandbox", "serve", "--crm", crm, "--people", str(people), "--seed", str(seed), "--db", str(db))
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, text=True)
    with ExitStack() as stack:
        stack.callback(end, process)
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise BenchmarkError("the sandbox did not start; what it said stands above")
        (folder / "ready.json").write_text(line, encoding="utf-8")
        sandbox = Sandbox(json.loads(line), process.pid, db)
        if lifted:
            sandbox.control("POST", "settings", {"rate_per_10s": 0, "daily_quota": 0})
        yield sandbox


def end(process: subprocess.Popen[str]) -> None:
    """Ask a process to end, and make it where it does not."""
    process.terminate()
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def configured(folder: Path, *, model: str = "preset:b2b_saas") -> Path:
    """Write a configuration for the sandbox of this folder and create our fields in it; gives the file."""
    config = folder / "config.toml"
    ready = str(folder / "ready.json")
    run("init", "--from-sandbox", ready, "--model", model, "-o", str(config), "--yes")
    run("provision", "--config", str(config), "--yes")
    return config
