"""A store of its own for every test."""

from pathlib import Path

import pytest

from connector.store.lake import Lake
from connector.store.state import open_state
from tests.store.lakes import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    connection = open_state(tmp_path)
    return Lake(tmp_path, connection), connection
