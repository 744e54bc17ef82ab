"""Trainings in processes of their own, beside the daemon's syncs.

They read the store as any reader does, so that no sync waits for one; their memory goes with them, and one that crashes
or is killed leaves nothing but the note that it began.
"""

import importlib.util
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from connector.errors import LeadlightError
from connector.loading import load_parts
from connector.models import Models

log = structlog.get_logger()
COMMAND: Final = (sys.executable, "-m", "connector")
LEARNING: Final = ("interpret", "sklearn", "numpy")
LONGEST_S: Final = 2 * 3600.0
_GRACE_S: Final = 5.0
_LOOK_S: Final = 1.0
_BEHIND: Final = 10  # nice: syncs go first


def train_due(config: Path, stop: threading.Event, command: Sequence[str] = COMMAND) -> None:
    """Let every trained model of a configuration be trained again if it is due; an error is logged and goes no further.

    Ends early where stop is set.
    """
    try:
        ids = trained_models(load_parts(config)[1])
    except LeadlightError as error:
        log.error("training did not begin", error=type(error).__name__, message=error.message)
        return
    for model_id in ids:
        if not stop.is_set():
            code = _run([*command, "train", "--config", str(config), "--model", model_id, "--if-due", "--json"], stop)
            tell = log.info if code in (0, 4) else log.error
            tell("training looked after", model=model_id, exit_code=code, next="leadlight status tells what came of it")


def trained_models(models: Models) -> list[str]:
    """Name the models of people that score by a trained one."""
    return [line.model.id for line in models.of("person") if line.model.table is not None]


def can_learn() -> bool:
    """Tell whether what training needs is installed."""
    return all(importlib.util.find_spec(name) is not None for name in LEARNING)


def _run(command: Sequence[str], stop: threading.Event) -> int | None:
    """Run a command to its end; one that is under way when stop is set, or takes too long, is ended and gives null."""
    until_s = time.monotonic() + LONGEST_S
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own command
        with suppress(OSError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, _BEHIND)
        while process.poll() is None:
            if stop.wait(_LOOK_S) or time.monotonic() > until_s:
                _end(process)
                return None
        return process.returncode


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
