"""Describes: what the org's objects and fields are, in the words both vendors share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.soql import identifier
from connector.crm.salesforce.wire import JsonValue, Request
from connector.errors import BatchRefused, ConfigError
from mappings.fields import FieldInfo, FieldKind, ObjectInfo

KINDS: Mapping[str, FieldKind] = {
    "boolean": "boolean",
    "combobox": "option",
    "currency": "number",
    "date": "date",
    "datetime": "datetime",
    "double": "number",
    "int": "number",
    "long": "number",
    "percent": "number",
    "picklist": "option",
    "reference": "reference",
}
NOT_COLUMNS = frozenset({"address", "base64", "complexvalue", "json", "location"})  # no single value to read
PER_CALL = 25  # the most subrequests of a composite call, which counts as one
OK = 200
HIDDEN_CODES = frozenset({"NOT_FOUND", "INVALID_TYPE"})


@dataclass(frozen=True)
class Described:
    """Hold a describe and the relationship names that dotted paths may start with."""

    info: ObjectInfo
    relationships: frozenset[str]


@dataclass
class Schema:
    """Describe objects, each once; `forget` makes the next look a fresh one."""

    gateway: Gateway
    _known: dict[str, Described | None] = field(default_factory=dict)

    def describe(self, name: str) -> Described | None:
        """Describe one object, null where the user cannot see it."""
        if name not in self._known:
            self._known[name] = self._ask(name)
        return self._known[name]

    def describe_many(self, names: Sequence[str]) -> None:
        """Describe what is not known yet, many objects in one call; what that leaves open is asked for alone later."""
        unknown = [name for name in dict.fromkeys(names) if name not in self._known]
        for start in range(0, len(unknown), PER_CALL):
            self._known |= self._ask_many(unknown[start : start + PER_CALL])

    def forget(self, name: str) -> None:
        """Drop what is known of an object."""
        self._known.pop(name, None)

    def need(self, name: str) -> Described:
        """Describe one object that has to be there; raises ConfigError."""
        described = self.describe(name)
        if described is None:
            raise ConfigError(
                f"Salesforce has no object {name!r} that this user can see; correct the mapping or grant read access"
            )
        return described

    def _ask_many(self, names: Sequence[str]) -> dict[str, Described | None]:
        # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
        base = f"/services/data/v{self.gateway.settings.api_version}/sobjects"
        parts = [
            {"method": "GET", "url": f"{base}/{identifier(name)}/describe", "referenceId": f"r{place}"}
            for place, name in enumerate(names)
        ]
        order = {"allOrNone": False, "compositeRequest": parts}
        try:
            answer = self.gateway.json(Request("POST", "composite", json=order))
        except BatchRefused:  # an edition without it
            return {}
        told = {result.get("referenceId"): result for result in answer.get("compositeResponse") or ()}
        found = {name: told.get(f"r{place}", {}) for place, name in enumerate(names)}
        return {
            name: described_of(result["body"]) if result["httpStatusCode"] == OK else None
            for name, result in found.items()
            if _answered(result)
        }

    def _ask(self, name: str) -> Described | None:
        # https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm
        request = Request("GET", f"sobjects/{identifier(name)}/describe")
        try:
            return described_of(self.gateway.json(request))
        except BatchRefused as refused:
            if refused.code in HIDDEN_CODES:
                return None
            raise ConfigError(f"{name} cannot be described: {refused.message}") from None


def _answered(result: JsonValue) -> bool:
    """Tell whether a part of a composite answer says what an object is, or that there is none to see."""
    status, body = result.get("httpStatusCode"), result.get("body")
    if status == OK:
        return isinstance(body, dict) and "fields" in body
    return bool(isinstance(body, list) and body and body[0].get("errorCode") in HIDDEN_CODES)


def described_of(content: JsonValue) -> Described:
    """Read the body of a describe."""
    fields = [field_of(raw) for raw in content["fields"] if raw["type"] not in NOT_COLUMNS]
    relationships = frozenset(raw["relationshipName"] for raw in content["fields"] if raw.get("relationshipName"))
    info = ObjectInfo(content["name"], content.get("label") or content["name"], {each.name: each for each in fields})
    return Described(info, relationships)


def field_of(raw: Mapping[str, JsonValue]) -> FieldInfo:
    """Read one field of a describe; a whole number's digits stand in its own key."""
    kind = KINDS.get(raw["type"], "text")
    number = kind == "number"
    return FieldInfo(
        name=raw["name"],
        label=raw.get("label") or raw["name"],
        kind=kind,
        length=raw.get("length") or None,
        precision=(raw.get("precision") or raw.get("digits") or None) if number else None,
        scale=raw.get("scale") if number else None,
        createable=bool(raw.get("createable")),
        updateable=bool(raw.get("updateable")),
        unique=bool(raw.get("unique")),
        options=_active_options(raw.get("picklistValues") or ()),
        restricted=bool(raw.get("restrictedPicklist")),
        references=tuple(raw.get("referenceTo") or ()),
        custom=bool(raw.get("custom")),
        help=raw.get("inlineHelpText") or "",
    )


def _active_options(values: Sequence[Mapping[str, JsonValue]]) -> tuple[str, ...]:
    return tuple(value["value"] for value in values if value.get("active", True))
