"""Replay recorded requests against an org in memory and compare the answers."""

import json
import re
from collections.abc import Mapping
from typing import Any

from connector.sandbox.http import Response
from tests.sandbox.salesforce_org import OrgInMemory
from tests.sandbox.salesforce_recordings import Interaction

ID = re.compile(r"[a-zA-Z0-9]{15}(?:[A-Z0-5]{3})?")
PATH_ID = re.compile(r"(?<=/)[a-zA-Z0-9]{15}(?:[A-Z0-5]{3})?(?=/|$)")
EXACT = frozenset(
    {
        *("errorCode", "statusCode", "message", "error", "error_description", "errorMessage"),
        *("success", "created", "done", "totalSize", "count", "expr0", "encoding", "maxBatchSize", "token_type"),
        *("operation", "state", "object", "concurrencyMode", "contentType", "lineEnding", "columnDelimiter", "jobType"),
        *("externalIdFieldName", "numberRecordsProcessed", "numberRecordsFailed"),
    }
)
RELATIONS = {"Who": "WhoId", "What": "WhatId", "Account": "AccountId", "Owner": "OwnerId"}


class Replay:
    """Hold an org and what recorded ids are called in it."""

    def __init__(self) -> None:
        self.org = OrgInMemory()
        self.names: dict[str, str] = {}

    def send(self, interaction: Interaction) -> Response:
        """Send a recorded request, with ids translated; learns the ids of the answer."""
        path = PATH_ID.sub(lambda found: self.names.get(found[0], found[0]), interaction.path)
        query = {name: self._translated(value) for name, value in interaction.query.items()}
        sent = json.loads(self._translated(json.dumps(interaction.sent))) if interaction.sent is not None else None
        response = self.org.send(interaction.method, path, sent, query=query)
        self._learn(interaction.body, parsed(response))
        return response

    def mirror(self, body: Any) -> None:  # noqa: ANN401 - JSON
        """Make the records a recorded query answered, so that the same query finds them."""
        for record in body["records"]:
            self._mirror_one(record, {})

    def _mirror_one(self, record: Mapping[str, Any], more: Mapping[str, Any]) -> str:
        kind, recorded = record["attributes"]["type"], record["attributes"]["url"].rsplit("/", 1)[1]
        fields = {**record, **more}
        for name, value in record.items():
            if isinstance(value, dict) and name in RELATIONS:
                fields[RELATIONS[name]] = self._mirror_one(value, {})
            if isinstance(value, dict) and "city" in value:
                prefix = name.removesuffix("Address")
                fields |= {f"{prefix}{key[0].upper()}{key[1:]}": inner for key, inner in value.items()}
        if recorded not in self.names:
            self.names[recorded] = self.org.put(kind, {name: self._own(value) for name, value in fields.items()})
        for value in record.values():
            if isinstance(value, dict) and "records" in value:
                for child in value["records"]:
                    self._mirror_one(child, {f"{kind}Id": self.names[recorded]})
        return self.names[recorded]

    def _own(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        return self.names.get(value, value) if isinstance(value, str) else value

    def _translated(self, text: str) -> str:
        return ID.sub(lambda found: self.names.get(found[0], found[0]), text)

    def _learn(self, recorded: Any, ours: Any) -> None:  # noqa: ANN401 - JSON
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for key in recorded.keys() & ours.keys():
                if key.lower() == "id" and isinstance(recorded[key], str) and isinstance(ours[key], str):
                    self.names[recorded[key]] = ours[key]
                self._learn(recorded[key], ours[key])
        if isinstance(recorded, list) and isinstance(ours, list):
            for one, other in zip(recorded, ours, strict=False):
                self._learn(one, other)


def parsed(response: Response) -> Any:  # noqa: ANN401 - JSON, text or null
    """Give the answer's JSON, its text, or null."""
    if not response.body:
        return None
    is_json = response.headers["Content-Type"].startswith("application/json")
    return json.loads(response.body) if is_json else response.body.decode()


def differences(
    recorded: Any,  # noqa: ANN401 - JSON
    ours: Any,  # noqa: ANN401 - JSON
    apart: frozenset[str],
    where: str = "$",
) -> list[str]:
    """Say where an answer differs: key sets, JSON types, lengths, and the values of EXACT keys.

    apart names keys whose absence or value is known to differ. A null is of any scalar type.
    """
    if isinstance(recorded, dict) and isinstance(ours, dict):
        return _key_differences(recorded, ours, apart, where)
    if isinstance(recorded, list) and isinstance(ours, list):
        if len(recorded) != len(ours):
            return [f"{where}: {len(recorded)} recorded, {len(ours)} answered"]
        pairs = enumerate(zip(recorded, ours, strict=True))
        return [text for i, (one, other) in pairs for text in differences(one, other, apart, f"{where}[{i}]")]
    kinds = {_kind(recorded), _kind(ours)} - {"null"}
    return [f"{where}: {recorded!r} recorded, {ours!r} answered"] if len(kinds) > 1 else []


def _key_differences(recorded: dict[str, Any], ours: dict[str, Any], apart: frozenset[str], where: str) -> list[str]:
    missing, added = recorded.keys() - ours.keys() - apart, ours.keys() - recorded.keys() - apart
    found = [f"{where}: missing {sorted(missing)}"] if missing else []
    found += [f"{where}: added {sorted(added)}"] if added else []
    for key in sorted((recorded.keys() & ours.keys()) - apart):
        inner = f"{where}.{key}"
        if key in EXACT and not isinstance(recorded[key], (dict, list)) and recorded[key] != ours[key]:
            found.append(f"{inner}: {recorded[key]!r} recorded, {ours[key]!r} answered")
        found += differences(recorded[key], ours[key], apart, inner)
    return found


def _kind(value: Any) -> str:  # noqa: ANN401 - JSON
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else type(value).__name__
