"""Commands as a user types them, run in this process by the function that `leadlight` runs."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from connector.cli import app, guarded
from tests.loop.loops import Loop


@dataclass(frozen=True)
class Ran:
    """Hold how a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Parse stdout, which is one JSON object on one line."""
        assert self.out.endswith("\n"), self.err
        assert self.out.count("\n") == 1
        told: dict[str, Any] = json.loads(self.out)
        assert told["schema"] == 1
        return told


@dataclass(frozen=True)
class Shell:
    """Run commands and keep what they say."""

    capsys: pytest.CaptureFixture[str]

    def run(self, *args: object) -> Ran:
        """Run one command."""
        self.capsys.readouterr()
        code = guarded(lambda: app([str(arg) for arg in args]))
        out, err = self.capsys.readouterr()
        return Ran(code, out, err)

    def on(self, loop: Loop, *args: object) -> Ran:
        """Run one command on a loop's configuration, for JSON."""
        return self.run(*args, "-c", loop.config, "--json")


def refused(ran: Ran, code: int, *said: str) -> None:
    """Check that a command ended with this code, one message that says all of this, and nothing on stdout."""
    assert (ran.code, ran.out) == (code, ""), ran
    assert ran.err.count("error:") == 1, ran.err
    assert "Traceback" not in ran.err
    missing = [words for words in said if words not in ran.err]
    assert missing == [], ran.err
