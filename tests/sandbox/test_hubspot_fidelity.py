"""The HubSpot sandbox against traffic that others recorded from the real one.

Compared are the status, the headers of note, the keys at every depth, the JSON types, and of errors the category and
the codes. `since` names keys that the vendor has added since a recording was made; `trimmed` marks bodies whose
properties were cut by hand, where the recorded ones must be among ours; of `sampled` lists those entries are compared
that both name; `beyond` names recorded keys that are not served.
"""

import json
import re
from typing import Any

import pytest

from connector.sandbox.http import Response
from tests.sandbox.hubspot_cases import CASES, CASSETTE_CASES, Case
from tests.sandbox.hubspot_fidelity_page import PAGE, page
from tests.sandbox.hubspot_left_out import NOT_COMPARED, SENT_ALONE
from tests.sandbox.hubspot_portal import Portal
from tests.sandbox.hubspot_preparations import sent, unmasked
from tests.sandbox.hubspot_recordings import FOLDER, Interaction, all_files, interactions

LEGACY_CALL = re.compile(r"^/(contacts|companies|deals)/v[12]/")

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="no recordings beside the project")


def shape(value: object) -> Any:  # noqa: ANN401 - a nested shape
    """Give keys and types at every depth; the elements of a list are taken together."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        merged: dict[str, Any] = {}
        for each in value:
            merged = merge(merged, {"[]": shape(each)})
        return merged or {"[]": None}
    return None if value is None else "number" if isinstance(value, (int, float)) else type(value).__name__


def merge(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """Join two shapes; what one does not know, the other tells."""
    joined = dict(left)
    for key, value in right.items():
        known = joined.get(key)
        joined[key] = merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else known or value
    return joined


def differences(theirs: Any, ours: Any, case: Case, where: str = "") -> list[str]:  # noqa: ANN401 - shapes
    """List where two shapes differ; null agrees with every type."""
    if theirs is None or ours is None or ours == {"[]": None} or theirs == {"[]": None}:
        return []
    if not isinstance(theirs, dict) or not isinstance(ours, dict):
        return [] if theirs == ours else [f"{where}: {theirs} recorded, {ours} here"]
    more = set() if case.trimmed and where.endswith("properties") else ours.keys() - theirs.keys() - case.since
    found = [f"{where}.{key}: missing here" for key in sorted(theirs.keys() - ours.keys() - case.beyond)]
    found += [f"{where}.{key}: not recorded" for key in sorted(more)]
    for key in theirs.keys() & ours.keys():
        found += differences(theirs[key], ours[key], case, f"{where}.{key}")
    return found


def rate_headers(headers: dict[str, str]) -> set[str]:
    """Name the rate limit headers."""
    return {name for name in headers if name.startswith("x-hubspot-ratelimit-")}


def compare_headers(recorded: Interaction, ours: Response) -> None:
    """Compare the headers of note."""
    mine = {name.lower(): value for name, value in ours.headers.items()}
    assert "x-hubspot-correlation-id" in mine
    if not recorded.headers:
        return
    assert rate_headers(mine) == rate_headers(recorded.headers)
    if ours.body:
        assert mine["content-type"] == recorded.headers["content-type"]
    assert ("location" in mine) == ("location" in recorded.headers)
    if "location" in mine:
        assert mine["location"].rpartition("/")[0] == recorded.headers["location"].rpartition("/")[0]


def error_codes(content: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Give what an error is recognised by: categories, sub-categories, codes, those inside the message too."""
    if not isinstance(content, dict):
        return []
    _, marker, inner = str(content.get("message", "")).partition("Property values were not valid: ")
    told = {(each["error"], each["name"]) for each in json.loads(inner)} if marker else set()
    entries = {(each["category"], each.get("subCategory")) for each in content.get("errors", []) if "category" in each}
    return [content.get("category"), content.get("subCategory"), told, entries]


def both_named(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep those of our entries whose names were recorded too."""
    names = {each["name"] for each in theirs}
    kept = [each for each in ours if each["name"] in names]
    assert kept
    return kept


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file.rpartition('/')[2]}[{case.index}]")
def test_answers_as_recorded(case: Case) -> None:
    """Ask what was asked of the real one, and compare."""
    recorded = interactions(case.file)[case.index]
    portal = Portal()
    case.prepare(portal, recorded)
    if case.ask:
        method, path, content = case.ask
        ours = portal.ask(method, path, sent(content) if isinstance(content, str) else content)
    else:
        ours = portal.ask(recorded.method, recorded.path, recorded.sent.encode(), recorded.query)
    assert ours.status == (case.status or recorded.status), ours.body
    compare_headers(recorded, ours)
    if recorded.body is None:
        assert ours.body.decode().strip() == recorded.text.strip()
        return
    content = json.loads(ours.body)
    if case.sampled:
        content = {"results": both_named(content["results"], recorded.body["results"])}
    assert differences(shape(recorded.body), shape(content), case) == []
    assert error_codes(content) == error_codes(recorded.body)
    if "correlationId" in content:
        assert content["correlationId"] == ours.headers["X-HubSpot-Correlation-Id"]


READ_CASES = [case for case in CASSETTE_CASES if case.prepare.__qualname__.startswith("results_held.")]


@pytest.mark.parametrize("case", READ_CASES, ids=lambda case: str(case.file.rpartition("/")[2]))
def test_reads_give_the_recorded_values(case: Case) -> None:
    """A record that is held as recorded is told as recorded, to the last digit of its times."""
    recorded = interactions(case.file)[case.index]
    portal = Portal()
    case.prepare(portal, recorded)
    content = json.loads(portal.ask(recorded.method, recorded.path, recorded.sent.encode(), recorded.query).body)
    for theirs, ours in zip(
        map(unmasked, recorded.body.get("results", [recorded.body])), content.get("results", [content]), strict=True
    ):
        assert {key: ours[key] for key in theirs if key != "url"} == {k: v for k, v in theirs.items() if k != "url"}
    if "paging" in recorded.body:
        assert content["paging"]["next"]["after"] == recorded.body["paging"]["next"]["after"]


@pytest.mark.parametrize("name", SENT_ALONE)
def test_accepts_recorded_searches(name: str) -> None:
    """A search that a production connector sends finds what it should."""
    portal = Portal()
    moments = {"1": "2024-09-19T12:30:44Z", "2": "2024-10-01T00:00:00Z", "3": "2025-01-01T08:00:01Z"}
    for number, moment in moments.items():
        portal.hold("contacts", {"id": number, "updatedAt": moment})
    request = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    found = {each["id"] for each in portal.read("POST", "/crm/v3/objects/contacts/search", request)["results"]}
    expected = {"since-until": {"2"}, "since": {"2", "3"}, "until": {"1", "2"}}
    assert found == expected[name.removesuffix(".json").partition("payload-")[2]]


def test_every_recording_is_compared_or_named() -> None:
    """No recording is left out without a reason."""
    compared = {case.file for case in CASES} | set(SENT_ALONE)
    assert set(all_files()) == compared | NOT_COMPARED.keys()
    assert not compared & NOT_COMPARED.keys()
    assert len({(case.file, case.index) for case in CASES}) == len(CASES) == 101


def test_every_recorded_answer_of_a_version_that_is_served_is_compared() -> None:
    """Within the compared files, only calls of versions 1 and 2 are passed over."""
    compared = {(case.file, case.index) for case in CASES}
    for name in sorted({case.file for case in CASES}):
        over = [each for index, each in enumerate(interactions(name)) if (name, index) not in compared]
        assert all(LEGACY_CALL.match(each.path) for each in over), name


def test_the_page_says_what_is_compared() -> None:
    """docs/fidelity_hubspot.md is what `python -m tests.sandbox.hubspot_fidelity_page` writes."""
    assert PAGE.read_text(encoding="utf-8") == page()
