"""Loops for tests: a fresh one for tests that change things, and one that was synced once for tests that look."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.server import Crm
from tests.loop.loops import Loop, copy_of, make_template, written_state

CRMS: tuple[Crm, ...] = ("salesforce", "hubspot")


@pytest.fixture(scope="session")
def template_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Crm], Path]:
    """Give the folder of a provisioned sandbox that was never synced; made once per vendor."""
    made: dict[Crm, Path] = {}

    def template(crm: Crm) -> Path:
        if crm not in made:
            made[crm] = make_template(crm, tmp_path_factory.mktemp(f"{crm}-template"))
        return made[crm]

    return template


@pytest.fixture(scope="session")
def synced_of(template_of: Callable[[Crm], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[Crm], Path]:
    """Give the folder of a sandbox and its store after one sync that made tasks."""
    made: dict[Crm, Path] = {}

    def synced(crm: Crm) -> Path:
        if crm not in made:
            made[crm] = tmp_path_factory.mktemp(f"{crm}-synced")
            with copy_of(crm, template_of(crm), made[crm]) as loop:
                loop.sync(backfill=True)
                (made[crm] / "written.json").write_text(json.dumps(written_state(loop)), encoding="utf-8")
        return made[crm]

    return synced


@pytest.fixture(params=CRMS)
def crm(request: pytest.FixtureRequest) -> Crm:
    """Run a test once per vendor."""
    chosen: Crm = request.param
    return chosen


@pytest.fixture
def fresh(crm: Crm, template_of: Callable[[Crm], Path], tmp_path: Path) -> Iterator[Loop]:
    """Give a provisioned CRM and no store."""
    with copy_of(crm, template_of(crm), tmp_path / "loop") as loop:
        yield loop


@pytest.fixture
def synced(crm: Crm, synced_of: Callable[[Crm], Path], tmp_path: Path) -> Iterator[Loop]:
    """Give a CRM and its store after one sync that made tasks; a minute has passed since."""
    with copy_of(crm, synced_of(crm), tmp_path / "loop") as loop:
        loop.advance(60)
        yield loop


@pytest.fixture
def expected(crm: Crm, synced_of: Callable[[Crm], Path]) -> dict[str, Any]:
    """Give what an undisturbed first run leaves in the CRM, as `written_state` tells it."""
    found: dict[str, Any] = json.loads((synced_of(crm) / "written.json").read_text(encoding="utf-8"))
    return found
