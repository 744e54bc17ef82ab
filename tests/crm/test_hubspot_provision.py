"""Properties: what is created, what is left, and what cannot serve."""

from typing import Any

import pytest

from connector.crm.hubspot import HubSpotCrm, HubSpotSettings, connect
from connector.crm.hubspot.describe import object_info
from connector.crm.hubspot.provision import definition
from connector.errors import ConfigError
from mappings.fields import FieldKind, NewField
from tests.crm.hubspot_recordings import Reply, reply, served

SCORE = NewField("contacts", "leadlight_score", "Score", "number", "0 to 100")
KEY = NewField("tasks", "leadlight_key", "Key", "text", "once", unique=True)


class Portal:
    """Keep properties by object."""

    def __init__(self, **known: list[dict[str, Any]]) -> None:
        self.known = known
        self.calls: list[str] = []

    def __call__(self, method: str, path: str, body: dict[str, Any]) -> Reply | None:
        self.calls.append(f"{method} {path}")
        object_type = path.split("/")[4]
        if method == "GET":
            return reply(200, {"results": self.known.get(object_type, [])})
        if path.endswith("/groups"):
            return reply(201, body)
        self.known.setdefault(object_type, []).extend(body["inputs"])
        return reply(201, {"results": body["inputs"]})


def adapter(url: str) -> HubSpotCrm:
    return connect(HubSpotSettings(access_token="t", base_url=url))


def test_fields_are_created_once_in_one_batch_an_object() -> None:
    portal = Portal()
    with served(portal) as url:
        crm = adapter(url)
        assert crm.provision([SCORE, KEY]) == (["contacts.leadlight_score", "tasks.leadlight_key"], [])
        assert len(portal.calls) == 6
        info = crm.describe("tasks")
        assert crm.provision([SCORE, KEY]) == ([], ["contacts.leadlight_score", "tasks.leadlight_key"])
    assert info is not None
    assert info.fields["leadlight_key"].unique
    assert [call for call in portal.calls if call.startswith("POST")] == [
        "POST /crm/v3/properties/contacts/groups",
        "POST /crm/v3/properties/contacts/batch/create",
        "POST /crm/v3/properties/tasks/groups",
        "POST /crm/v3/properties/tasks/batch/create",
    ]


def test_all_that_cannot_serve_is_told_at_once() -> None:
    portal = Portal(
        contacts=[{"name": "leadlight_score", "type": "string"}], tasks=[{"name": "leadlight_key", "type": "string"}]
    )
    with served(portal) as url, pytest.raises(ConfigError) as raised:
        adapter(url).provision([SCORE, KEY])
    assert len(raised.value.problems) == 2
    assert "contacts.leadlight_score exists in HubSpot as text, not number" in raised.value.problems[0]
    assert "without unique values" in raised.value.problems[1]


def test_a_refused_batch_names_its_fields() -> None:
    portal = Portal()

    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        if path.endswith("/batch/create"):
            return reply(400, {"status": "error", "message": "too many properties", "category": "VALIDATION_ERROR"})
        return portal(method, path, body)

    with served(answering) as url, pytest.raises(ConfigError, match=r"contacts\.leadlight_score: .*too many"):
        adapter(url).provision([SCORE])


@pytest.mark.parametrize(
    ("kind", "length", "expected"),
    [
        ("text", None, ("string", "text")),
        ("text", 255, ("string", "text")),
        ("text", 4000, ("string", "textarea")),
        ("number", None, ("number", "number")),
        ("boolean", None, ("bool", "booleancheckbox")),
        ("datetime", None, ("datetime", "date")),
        ("date", None, ("date", "date")),
        ("option", None, ("enumeration", "select")),
        ("reference", None, ("string", "text")),
    ],
)
def test_kinds_in_hubspots_words(kind: FieldKind, length: int | None, expected: tuple[str, str]) -> None:
    made = definition(NewField("contacts", "x", "X", kind, "", length=length, options=("a",)))
    assert (made["type"], made["fieldType"]) == expected


def test_definitions_in_our_words() -> None:
    yes_no = [{"label": "Yes", "value": "true"}, {"label": "No", "value": "false"}]
    stages = [{"label": "Lead", "value": "lead"}]
    info = object_info(
        "contacts",
        {
            "results": [
                {"name": "a", "type": "enumeration", "fieldType": "booleancheckbox", "options": yes_no},
                {"name": "b", "type": "enumeration", "fieldType": "radio", "options": stages, "hubspotDefined": True},
                {"name": "c", "type": "enumeration", "referencedObjectType": "OWNER", "externalOptions": True},
                {"name": "d", "type": "number", "calculated": True},
                {"name": "e", "type": "string", "modificationMetadata": {"readOnlyValue": True}},
                {"name": "f", "type": "phone_number"},
                {"name": "g", "type": "string", "archived": True},
                {"name": "h", "type": "enumeration", "externalOptions": True, "options": stages},
            ]
        },
    )
    fields = info.fields
    assert [fields[name].kind for name in "abcdefh"] == [
        "boolean",
        "option",
        "reference",
        "number",
        "text",
        "text",
        "option",
    ]
    assert (fields["b"].options, fields["b"].restricted, fields["b"].custom) == (("lead",), True, False)
    assert not fields["h"].restricted
    assert not fields["d"].updateable
    assert not fields["e"].createable
    assert "g" not in fields
    assert fields["a"].custom
