"""The command line in this process, over the loops of tests/loop."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.cli.commands import Shell
from tests.loop.conftest import crm, expected, fresh, synced, synced_of, template_of

__all__ = ["crm", "expected", "fresh", "synced", "synced_of", "template_of"]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Give a shell; the log that a command sets up for its process goes with the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Shell(capsys)
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
