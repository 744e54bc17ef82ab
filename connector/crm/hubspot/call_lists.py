"""Lists of whom to call, which fill themselves by band; a list that is there stays as it is, whatever its filters."""

from collections.abc import Sequence
from typing import Any, Final

from connector.crm.administration import CallList, Step
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.errors import Refused
from connector.errors import ConfigError, Forbidden

# https://developers.hubspot.com/docs/guides/api/crm/understanding-the-crm
TYPE_IDS: Final = {"contacts": "0-1", "companies": "0-2", "deals": "0-3"}
BY_HAND: Final = "make it by hand, or grant crm.lists.read and crm.lists.write; `provision --files` says how"


def definition(made: CallList) -> dict[str, Any]:
    """Say in HubSpot's words which list to create.

    Shape: https://developers.hubspot.com/docs/api-reference/crm-lists-v3/list-filters
    """
    operation = {"operationType": "MULTISTRING", "operator": "IS_EQUAL_TO", "values": list(made.bands)}
    chosen = {"filterType": "PROPERTY", "property": made.band, "operation": operation}
    inner = {"filterBranchType": "AND", "filterBranches": [], "filters": [chosen]}
    return {
        "name": name_of(made),
        "objectTypeId": TYPE_IDS[made.object],
        "processingType": "DYNAMIC",
        "filterBranch": {"filterBranchType": "OR", "filterBranches": [inner], "filters": []},
    }


def name_of(made: CallList) -> str:
    """Name a list; names are unique among the lists of an object, and people see the lists of all objects at once."""
    return f"{made.label}, {made.object}"


def list_steps(client: Client, lists: Sequence[CallList]) -> list[Step]:
    """Say which lists would be made; without the scope they are made by hand."""
    steps: list[Step] = []
    for made in lists:
        told = f"{made.object} of band {' or '.join(made.bands)}"
        try:
            there = _exists(client, made)
        except Forbidden:
            steps.append(Step("by hand", "list", name_of(made), f"{told}: {BY_HAND}"))
        else:
            steps.append(Step("keep" if there else "create", "list", name_of(made), told))
    return steps


def make_lists(client: Client, lists: Sequence[CallList]) -> None:
    """Make the lists that are missing, as far as the scopes go; raises ConfigError where HubSpot refuses one."""
    for made in lists:
        try:
            if not _exists(client, made):
                client.create_list(definition(made))
        except Forbidden:
            continue
        except Refused as error:
            raise ConfigError(f"the list {name_of(made)!r} was not made: {error.message}") from None


def _exists(client: Client, made: CallList) -> bool:
    try:
        client.list_named(TYPE_IDS[made.object], name_of(made))
    except Refused as error:
        if error.status == 404:
            return False
        raise
    return True
