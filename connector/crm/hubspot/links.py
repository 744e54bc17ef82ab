"""Associations between records, read and created in batches."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connector.crm.hubspot.client import Client
from connector.crm.hubspot.errors import Refused, problems_of

READ_INPUTS = 1000
CREATE_INPUTS = 2000
# HubSpot's own default types, from the first object to the second.
# https://developers.hubspot.com/docs/guides/api/crm/associations/associations-v4
TYPE_IDS: Mapping[tuple[str, str], int] = {
    ("tasks", "contacts"): 204,
    ("tasks", "companies"): 192,
    ("tasks", "deals"): 216,
    ("notes", "contacts"): 202,
    ("notes", "companies"): 190,
    ("notes", "deals"): 214,
    ("calls", "contacts"): 194,
    ("calls", "companies"): 182,
    ("calls", "deals"): 206,
    ("emails", "contacts"): 198,
    ("emails", "companies"): 186,
    ("emails", "deals"): 210,
    ("meetings", "contacts"): 200,
    ("meetings", "companies"): 188,
    ("meetings", "deals"): 212,
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
    ("deals", "contacts"): 3,
    ("contacts", "deals"): 4,
    ("deals", "companies"): 341,
    ("companies", "deals"): 342,
}
PRIMARY = "Primary"
NOT_VALID = re.compile(r"\b[A-Z_]+=(\d+) is not valid")


def read_links(client: Client, from_type: str, to_type: str, ids: Sequence[str]) -> dict[str, list[str]]:
    """Read the associated ids of each record, each id once, the primary one first; without any, an empty list."""
    found: dict[str, dict[str, bool]] = {record_id: {} for record_id in ids}
    inputs: list[dict[str, str]] = [{"id": record_id} for record_id in ids]
    while inputs:
        batch, inputs = inputs[:READ_INPUTS], inputs[READ_INPUTS:]
        answer = client.read_links(from_type, to_type, {"inputs": batch}).json()
        for result in answer.get("results") or ():
            record_id = str(result["from"]["id"])
            linked = result.get("to") or ()
            found.setdefault(record_id, {}).update((str(to["toObjectId"]), _primary(to)) for to in linked)
            after = ((result.get("paging") or {}).get("next") or {}).get("after")
            if after is not None:
                inputs.append({"id": record_id, "after": str(after)})
    return {record_id: sorted(linked, key=linked.__getitem__, reverse=True) for record_id, linked in found.items()}


def _primary(to: Mapping[str, Any]) -> bool:
    """Tell whether a linked record is the primary one, as one company of a contact is."""
    kinds = to.get("associationTypes") or ()
    return any(kind.get("category") == "HUBSPOT_DEFINED" and kind.get("label") == PRIMARY for kind in kinds)


def create_links(
    client: Client, from_type: str, to_type: str, pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Create associations, which does nothing to existing ones; returns the refused pairs and why."""
    type_id = TYPE_IDS.get((from_type, to_type))
    if type_id is None:
        return dict.fromkeys(pairs, f"HubSpot has no default association from {from_type} to {to_type}")
    refused: dict[tuple[str, str], str] = {}
    for start in range(0, len(pairs), CREATE_INPUTS):
        refused |= _create(client, from_type, to_type, type_id, pairs[start : start + CREATE_INPUTS])
    return refused


def _create(
    client: Client, from_type: str, to_type: str, type_id: int, pairs: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Create one batch; a batch refused as a whole is halved down to the pair that spoils it."""
    kinds = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]
    inputs = [{"from": {"id": one}, "to": {"id": other}, "types": kinds} for one, other in pairs]
    try:
        answer = client.create_links(from_type, to_type, {"inputs": inputs})
    except Refused as error:
        if len(pairs) == 1:
            return {pairs[0]: error.message}
        half = len(pairs) // 2
        first = _create(client, from_type, to_type, type_id, pairs[:half])
        return first | _create(client, from_type, to_type, type_id, pairs[half:])
    if answer.status != 207:
        return {}
    return _refused(pairs, [(problem.message, problem.ids) for problem in problems_of(answer.json())])


def _refused(
    pairs: Sequence[tuple[str, str]], problems: Sequence[tuple[str, tuple[str, ...]]]
) -> dict[tuple[str, str], str]:
    """Find the pairs that a 207 is about; HubSpot names the invalid id in the text alone."""
    refused: dict[tuple[str, str], str] = {}
    for message, ids in problems:
        named = {*ids, *NOT_VALID.findall(message)}
        refused |= {pair: message for pair in pairs if named.intersection(pair)}
    return refused
