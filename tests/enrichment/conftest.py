"""Loops whose companies have vendors' fields; the sandbox is seeded once per vendor of CRMs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from connector.sandbox.server import Crm
from tests.enrichment.vendors import write_world
from tests.loop.loops import make_template


@pytest.fixture(scope="session")
def vendors_template(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Crm], Path]:
    """Give the folder of a provisioned sandbox that was never synced."""
    made: dict[Crm, Path] = {}

    def template(crm: Crm) -> Path:
        if crm not in made:
            made[crm] = make_template(crm, tmp_path_factory.mktemp(f"vendors-{crm}"), write_world)
        return made[crm]

    return template
