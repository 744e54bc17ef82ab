"""Provisioning over a socket: fields made once, granted, and waited for until they show."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import stamina

from connector.errors import ConfigError, RetryableError
from mappings.fields import FieldKind, NewField
from tests.crm.salesforce_server import Reply, ScriptedServer, Seen, json_reply, refusal


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    """Retry at once, twice."""
    with stamina.set_testing(testing=True, attempts=2):
        yield


class Schema:
    """Answer as an org whose fields can be created and granted; fields show to those who were granted them."""

    def __init__(self, *, refuse: str = "", shows: bool = True) -> None:
        self.created: list[str] = []
        self.granted: set[str] = set()
        self.posts: list[str] = []
        self._refuse, self._shows = refuse, shows

    def __call__(self, seen: Seen) -> Reply:
        """Answer the five kinds of request that provisioning makes."""
        path = urlsplit(seen.path).path.removeprefix("/services/data/v62.0/")
        if path.endswith("describe"):
            return self._describe(path.split("/")[1])
        if path.endswith("userinfo"):
            return json_reply({"user_id": "005x"})
        if path.startswith("query"):
            return json_reply({"totalSize": 0, "done": True, "records": []})
        self.posts.append(path)
        if path.startswith("tooling"):
            return self._create(json.loads(seen.body))
        if path == "composite/sobjects":
            self.granted |= {record["Field"] for record in json.loads(seen.body)["records"]}
            return json_reply([{"id": "01k", "success": True, "errors": []} for _ in json.loads(seen.body)["records"]])
        return json_reply({"id": "0PSx", "success": True, "errors": []}, 201)

    def _describe(self, name: str) -> Reply:
        mine = [each.partition(".")[2] for each in self.granted if each.startswith(name) and self._shows]
        kinds = {each: "string" if "Key" in each else "double" for each in mine}
        fields = [{"name": each, "type": kinds[each], "updateable": True, "createable": True} for each in mine]
        return json_reply({"name": name, "fields": [{"name": "Id", "type": "id"}, *fields]})

    def _create(self, body: dict[str, Any]) -> Reply:
        if self._refuse and self._refuse in body["FullName"]:
            return refusal(400, "FIELD_INTEGRITY_EXCEPTION", "not here")
        if body["FullName"] in self.created:
            return refusal(400, "DUPLICATE_DEVELOPER_NAME", "There is already a field named that")
        self.created.append(body["FullName"])
        return json_reply({"id": "00N1", "success": True, "errors": []}, 201)


def new_field(source: str, name: str = "Leadlight_Score__c", kind: FieldKind = "number") -> NewField:
    return NewField(source, name, "Score", kind, "What Leadlight thinks")


def test_fields_are_created_and_granted_once(tmp_path: Path) -> None:
    org = Schema()
    fields = [new_field("Lead"), new_field("Contact"), new_field("Task", "Leadlight_Key__c", "text")]
    names = ["Lead.Leadlight_Score__c", "Contact.Leadlight_Score__c", "Task.Leadlight_Key__c"]
    with ScriptedServer(tmp_path, org) as server:
        crm = server.connect()
        assert crm.provision(fields) == (names, [])
        assert crm.provision(fields) == ([], names)
        assert server.connect().provision(fields) == ([], names)
    assert org.created == ["Lead.Leadlight_Score__c", "Contact.Leadlight_Score__c", "Activity.Leadlight_Key__c"]
    assert org.granted == set(names)
    assert org.posts[3:] == ["sobjects/PermissionSet/", "composite/sobjects", "sobjects/PermissionSetAssignment/"]


def test_a_field_that_exists_unseen_is_granted_and_counts_as_existing(tmp_path: Path) -> None:
    org = Schema()
    org.created.append("Lead.Leadlight_Score__c")
    with ScriptedServer(tmp_path, org) as server:
        assert server.connect().provision([new_field("Lead")]) == ([], ["Lead.Leadlight_Score__c"])
    assert org.granted == {"Lead.Leadlight_Score__c"}


def test_all_refused_fields_are_named(tmp_path: Path) -> None:
    with ScriptedServer(tmp_path, Schema(refuse="Lead.")) as server, pytest.raises(ConfigError) as caught:
        server.connect().provision([new_field("Lead"), new_field("Lead", "Other__c"), new_field("Contact")])
    assert [problem.split(" ")[0] for problem in caught.value.problems] == [
        "Lead.Leadlight_Score__c",
        "Lead.Other__c",
    ]


def test_a_field_that_does_not_show_in_time_is_told(tmp_path: Path) -> None:
    with (
        ScriptedServer(tmp_path, Schema(shows=False)) as server,
        pytest.raises(RetryableError, match="does not show"),
    ):
        server.connect().provision([new_field("Lead")])
