"""The loops of tests/loop, for feeds that are read beside a sandbox CRM."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.sandbox.server import Crm
from tests.feeds.prospecting import add_feed, begin
from tests.loop.conftest import crm, fresh, synced, synced_of, template_of
from tests.loop.loops import Loop, copy_of

__all__ = ["crm", "fresh", "synced", "synced_of", "template_of"]


@pytest.fixture(scope="session")
def finding_of(template_of: Callable[[Crm], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[Crm], Path]:
    """Give the folder of a sandbox and its store after a sync, with all that creating takes."""
    made: dict[Crm, Path] = {}

    def finding(crm: Crm) -> Path:
        if crm not in made:
            made[crm] = tmp_path_factory.mktemp(f"{crm}-finding")
            with copy_of(crm, template_of(crm), made[crm]) as loop:
                begin(loop)
                loop.sync()
        return made[crm]

    return finding


@pytest.fixture
def finding(crm: Crm, finding_of: Callable[[Crm], Path], tmp_path: Path) -> Iterator[Loop]:
    """Give a CRM and its store after a sync, with a feed that creates whom nobody knows and has no file yet."""
    with copy_of(crm, finding_of(crm), tmp_path / "loop") as loop:
        add_feed(loop)
        loop.advance(60)
        yield loop
