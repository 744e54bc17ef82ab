"""Syncs in forked children, so that one can be killed at any moment and the next starts within milliseconds.

    with Children() as children:
        child = children.begin(Order("config.toml"))
        child.kill()
        child.finish()

One process with a single thread has the product imported and forks for every order; the sandbox stays with the caller.
"""

import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Literal

import stamina

from benchmarks.judgement import KEY_TAIL
from connector import pipeline
from connector.compose import open_job
from connector.crm.base import Crm, Write, WriteResult
from connector.errors import LeadlightError
from connector.pipeline import Options
from connector.plan import checksum

ROOT = Path(__file__).resolve().parents[1]
ATTEMPTS = 5
BUG = 70
# Nothing waits for a limit that the sandbox does not have, and the guards do not stop what chance does to a few people.
LIMITS = {
    "LEADLIGHT_LIMITS__RATE_PER_10S": "100000",
    "LEADLIGHT_LIMITS__SEARCH_PER_S": "100000",
    "LEADLIGHT_LIMITS__DAILY_API_SHARE": "1",
    "LEADLIGHT_LIMITS__MAX_CHANGED_SHARE": "1",
    "LEADLIGHT_LIMITS__MIN_POPULATION": "1000",
    "LEADLIGHT_LOG__LEVEL": "error",
}


@dataclass(frozen=True)
class Order:
    """Ask for a sync, or for a plan from what the store holds; as_of null is the CRM's own time.

    environment is set in the child alone. keyless makes every attempt at a task bear another key, which is what a CRM
    without a unique field would let happen.
    """

    config: str
    do: Literal["sync", "plan"] = "sync"
    as_of: str | None = None
    backfill: bool = True
    keyless: bool = False
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """Say how a child ended: code is negative where a signal ended it, said is a traceback or an error's text."""

    code: int
    result: dict[str, Any]
    said: str


@dataclass(frozen=True)
class Child:
    """An order under way."""

    pid: int
    told: Path
    process: "subprocess.Popen[str]"

    def ended(self) -> bool:
        """Tell whether it has told its result, which is the last that it does."""
        return self.told.stat().st_size > 0

    def kill(self) -> None:
        """End it as a power cut would; its pid is nobody else's until `finish` is asked."""
        os.kill(self.pid, signal.SIGKILL)

    def finish(self) -> Ended:
        """Wait for its end."""
        code = int(answer(self.process, "\n"))
        try:
            told = json.loads(self.told.read_text("utf-8"))
        except ValueError:  # killed before it could tell, or while it did
            told = {"result": {}, "said": ""}
        return Ended(code, told["result"], told["said"])


class Children(AbstractContextManager["Children"]):
    """Hold the process that forks."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="leadlight-children-")
        self._told = Path(self._folder.name) / "told.json"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.children", str(self._told)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, **LIMITS},
        )  # fmt: skip

    def begin(self, order: Order) -> Child:
        """Start an order; one at a time."""
        self._told.write_text("", "utf-8")
        pid = int(answer(self._process, json.dumps(asdict(order)) + "\n"))
        return Child(pid, self._told, self._process)

    def run(self, order: Order) -> Ended:
        """Start an order and wait for its end."""
        return self.begin(order).finish()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait()
        self._folder.cleanup()


def answer(process: "subprocess.Popen[str]", line: str) -> str:
    """Say one line to the process that forks, and hear one."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("a process without pipes")
    process.stdin.write(line)
    process.stdin.flush()
    return process.stdout.readline()


def load_product() -> None:
    """Import what a sync imports on its way, once for all children."""
    importlib.import_module("sqlglot.dialects.duckdb")
    for package in ("connector", "mappings", "scoring"):
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not found.name.startswith(("connector.sandbox", "connector.__main__")):
                importlib.import_module(found.name)


def serve(told: Path) -> None:
    """Fork for every line on stdin: tell the child's pid, and at the next line how it ended."""
    load_product()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:  # what a child prints or logs is no answer
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            os._exit(carried_out(Order(**json.loads(line)), told))
        print(pid, file=answers, flush=True)
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=answers, flush=True)


def carried_out(order: Order, told: Path) -> int:
    """Do what was asked, in the child; gives the exit code that the command line would end with."""
    os.environ.update(order.environment)
    code, result, said = 0, {}, ""
    try:
        result = done(order)
    except LeadlightError as error:
        code, said = error.exit_code, f"{type(error).__name__}: {error.message}"
    except Exception:  # the parent must hear of whatever it is
        code, said = BUG, traceback.format_exc()
    told.write_text(json.dumps({"result": result, "said": said}), "utf-8")
    return code


def done(order: Order) -> dict[str, Any]:
    """Run the pipeline."""
    as_of = datetime.fromisoformat(order.as_of) if order.as_of else None
    options = Options(as_of=as_of, backfill_tasks=order.backfill)
    with (
        stamina.set_testing(True, attempts=ATTEMPTS),
        open_job(Path(order.config), writer=True, writes_crm=True) as opened,
    ):
        job = replace(opened, crm=Keyless(opened.crm)) if order.keyless else opened
        outcome = (pipeline.sync if order.do == "sync" else pipeline.plan)(job, options)
    return outcome.as_dict() | {"checksum": checksum(outcome.plan) if outcome.plan else None}


class Keyless:
    """Stand before a CRM and give every attempt at a task another key, as if nothing were unique or could be found."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the CRM has
        return getattr(self._crm, name)

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Send writes; an adapter may not try a task again by itself, which would bear the same key."""
        if not any(one.key for one in writes):
            return self._crm.write(writes)
        with stamina.set_testing(True, attempts=1):
            return self._crm.write([without_key(one) for one in writes])


def without_key(one: Write) -> Write:
    """Change the last letters of a key, by which it is unique no more."""
    return replace(one, key=(one.key[0], f"{one.key[1][:-KEY_TAIL]}{token_hex(KEY_TAIL // 2)}")) if one.key else one


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
