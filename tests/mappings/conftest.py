"""The packaged mappings."""

import pytest

from mappings.loader import load_mapping
from mappings.model import Mapping


@pytest.fixture
def salesforce() -> Mapping:
    return load_mapping("salesforce")


@pytest.fixture
def hubspot() -> Mapping:
    return load_mapping("hubspot")
