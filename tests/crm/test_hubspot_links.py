"""Associations in batches, over a socket."""

from collections.abc import Callable
from typing import Any

import pytest

from connector.crm.base import CallCounter
from connector.crm.hubspot import HubSpotSettings
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.links import create_links, read_links
from tests.crm.hubspot_recordings import Reply, reply, served

Answer = Callable[[dict[str, Any]], Reply]


def client(url: str) -> Client:
    return Client(HubSpotSettings(access_token="t", base_url=url), CallCounter())


def test_a_thousand_records_are_read_at_once_and_long_lists_to_their_end() -> None:
    sizes: list[int] = []

    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        sizes.append(len(body["inputs"]))
        results: list[dict[str, Any]] = []
        for one in body["inputs"]:
            first = int(one.get("after", 0))
            result: dict[str, Any] = {"from": {"id": one["id"]}, "to": [{"toObjectId": first + 7}, {"toObjectId": "8"}]}
            if one["id"] == "3" and first < 200:
                result["paging"] = {"next": {"after": str(first + 100)}}
            if one["id"] != "4":
                results.append(result)
        error = {"category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}
        return reply(207, {"results": results, "errors": [error], "numErrors": 1})

    with served(answering) as url:
        links = read_links(client(url), "contacts", "companies", [str(number) for number in range(1200)])
    assert sizes == [1000, 201, 1]
    assert links["3"] == ["7", "8", "107", "207"]
    assert links["4"] == []
    assert links["1199"] == ["7", "8"]


def test_the_primary_record_comes_first_on_whatever_page_it_is() -> None:
    further, primary = (
        {"category": "HUBSPOT_DEFINED", "label": None},
        {"category": "HUBSPOT_DEFINED", "label": "Primary"},
    )
    own = {"category": "USER_DEFINED", "label": "Primary"}

    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        if "after" in body["inputs"][0]:
            to = [{"toObjectId": 9, "associationTypes": [further, primary]}, {"toObjectId": 4}]
            return reply(200, {"results": [{"from": {"id": "1"}, "to": to}]})
        to = [{"toObjectId": 7, "associationTypes": [further]}, {"toObjectId": 8, "associationTypes": [own, further]}]
        return reply(200, {"results": [{"from": {"id": "1"}, "to": to, "paging": {"next": {"after": "9"}}}]})

    with served(answering) as url:
        assert read_links(client(url), "contacts", "companies", ["1"]) == {"1": ["9", "7", "8", "4"]}


def test_two_thousand_are_created_at_once() -> None:
    sizes: list[int] = []

    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        sizes.append(len(body["inputs"]))
        return reply(201, {"results": []})

    with served(answering) as url:
        pairs = [(str(number), "5") for number in range(2500)]
        assert create_links(client(url), "tasks", "contacts", pairs) == {}
    assert sizes == [2000, 500]


def test_a_refused_batch_is_halved_to_the_pair() -> None:
    def answering(method: str, path: str, body: dict[str, Any]) -> Reply | None:
        if any(one["to"]["id"] == "bad" for one in body["inputs"]):
            return reply(400, {"status": "error", "message": "not a number", "category": "VALIDATION_ERROR"})
        return reply(201, {"results": []})

    with served(answering) as url:
        pairs = [("1", "5"), ("2", "bad"), ("3", "6")]
        refused = create_links(client(url), "tasks", "companies", pairs)
    assert list(refused) == [("2", "bad")]


def test_objects_without_a_default_association_are_told() -> None:
    with served(lambda method, path, body: pytest.fail("nothing may be asked")) as url:
        refused = create_links(client(url), "tasks", "p_pets", [("1", "2")])
    assert "no default association" in refused["1", "2"]
