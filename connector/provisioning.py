"""Making our own fields in the CRM."""

from pathlib import Path

from connector.compose import load_parts
from connector.crm.registry import connect
from mappings.write import new_fields


def provision(config: Path) -> tuple[list[str], list[str]]:
    """Create the fields that the mapping writes, with access for our user; returns (created, existing)."""
    settings, _, mapping = load_parts(config)
    settings.crm.require_credentials()
    crm = connect(settings)
    crm.check()
    return crm.provision(new_fields(mapping))


def planned_fields(config: Path) -> list[str]:
    """List the fields that `provision` would make sure of, as Object.field."""
    _, _, mapping = load_parts(config)
    return [f"{field.object}.{field.name}" for field in new_fields(mapping)]
