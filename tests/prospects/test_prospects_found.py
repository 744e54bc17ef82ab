"""Whom feeds found, as the store knows them: which value counts, who is known already, and what a record is sent."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connector.job import Job
from connector.prospects.find import Terms, fields_of, prospect_key, prospects
from connector.store import erased
from mappings.create import CreateTarget
from mappings.fields import FieldInfo
from mappings.lists import PACKAGED
from mappings.loader import load_mapping
from tests.matching.stores import put, store_in

Row = Mapping[str, Any]
FIRST, LATER = "2026-06-01", "2026-06-02"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Job]:
    """Give a store without a CRM."""
    with store_in(tmp_path) as job:
        yield job


def target(**changes: Any) -> CreateTarget:  # noqa: ANN401 - keys of the table
    """Give the packaged table of Salesforce, changed."""
    packaged = load_mapping("salesforce").create
    assert packaged is not None
    return packaged.model_copy(update=changes)


def held(job: Job, *rows: tuple[str, str, str, str, str], **more: Any) -> None:  # noqa: ANN401 - columns
    """Hold attributes: feed, email, name, value and day."""
    columns = ("feed", "email", "name", "text", "occurred_at")
    made = [dict(zip(columns, row, strict=True)) | {"target": "attribute", "role": "person", **more} for row in rows]
    table = pa.Table.from_pylist([row | {"held_id": str(sorted(row.items()))} for row in made])
    job.lake.commit(job.lake.merge("held", "held_id", [table]))


def found(job: Job, *feeds: str, **changes: Any) -> dict[str, Mapping[str, str] | str]:  # noqa: ANN401 - as above
    """Give what is known of each address, or why nobody is created of it."""
    terms = Terms(target(**changes), feeds, PACKAGED, erased.load(job.state))
    with closing(job.engine()) as engine:
        return {one.email: one.problem or one.attributes for one in prospects(engine, job.lake, terms)}


def whole(feed: str, email: str) -> tuple[tuple[str, str, str, str, str], ...]:
    """Give what Salesforce needs of a person."""
    return ((feed, email, "last_name", "Lind", FIRST), (feed, email, "company", "Acme", FIRST))


def test_the_first_feed_goes_first_and_then_the_newest_value(store: Job) -> None:
    ann = "ann@new.example"
    held(store, *whole("b", ann), ("b", ann, "title", "CEO", FIRST), ("b", ann, "phone", "1", LATER))
    held(store, ("a", ann, "title", "CTO", FIRST), ("b", ann, "phone", "2", FIRST), ("other", ann, "title", "x", LATER))
    known = {"email": ann, "last_name": "Lind", "company": "Acme", "phone": "1"}
    assert found(store, "a", "b") == {ann: known | {"title": "CTO"}}
    assert found(store, "b", "a") == {ann: known | {"title": "CEO"}}
    assert found(store, "a") == {ann: "incomplete: last_name and company missing"}


def test_whom_the_store_knows_is_no_prospect(store: Job) -> None:
    addresses = ("ann@new.example", "bob@new.example", "eve@new.example")
    held(store, *(row for email in addresses for row in whole("a", email)))
    held(store, *whole("a", "zoe@new.example"), person_key="00Q000000000001")  # it names a record of the CRM
    put(store, "people", [
        {"person_id": "1", "email": " Ann@New.example "},
        {"person_id": "2", "email": "bob@new.example", "converted_at": "2026-01-01"},
        {"person_id": "3"},
    ])  # fmt: skip
    assert list(found(store, "a")) == ["eve@new.example"]
    erased.remember(store.state, ["eve@new.example"])
    assert found(store, "a") == {"eve@new.example": "asked to be forgotten"}


def test_what_the_mapping_skips_is_its_own_choice(store: Job) -> None:
    held(store, *whole("a", "sales+emea@new.example"), *whole("a", "ann@gmail.com"), *whole("a", "x@mit.edu"))
    told = found(store, "a")
    assert [type(one) is str for one in (told["ann@gmail.com"], told["sales+emea@new.example"], told["x@mit.edu"])] == [
        True, True, False,
    ]  # fmt: skip
    assert not [one for one in found(store, "a", skip_email_classes=(), skip_role_addresses=False).values()
                if isinstance(one, str)]  # fmt: skip


def test_a_record_is_sent_what_its_fields_take() -> None:
    own = target().model_validate({
        "object": "Lead", "key_field": "Leadlight_Key__c", "constants": {"LeadSource": "Finder"},
        "fields": {
            "email": "Email", "title": {"field": "Title", "max_length": 9}, "employees": "NumberOfEmployees",
            "company": {"field": "Company", "required": True, "default": "-"}, "vip": "VIP__c", "phone": "Phone",
        },
    })  # fmt: skip
    told = {"email": "a@b.c", "title": "Chief of all", "employees": "1,200", "vip": "yes"}
    kinds = {"NumberOfEmployees": "number", "VIP__c": "boolean"}
    known = {name: FieldInfo(name, name, kind) for name, kind in kinds.items()}  # type: ignore[arg-type] # kinds
    assert fields_of(own, told, known) == {
        "LeadSource": "Finder", "Email": "a@b.c", "Title": "Chief of…", "NumberOfEmployees": 1200, "Company": "-",
        "VIP__c": True,
    }  # fmt: skip
    assert fields_of(own, {**told, "employees": "many"}, known)["NumberOfEmployees"] == "many"  # the CRM's to refuse


def test_a_key_is_the_same_on_every_machine_and_tells_no_address() -> None:
    assert prospect_key("salesforce", "Ann@New.example ") == prospect_key("salesforce", "ann@new.example")
    assert prospect_key("salesforce", "ann@new.example") != prospect_key("hubspot", "ann@new.example")
    assert len(prospect_key("salesforce", "ann@new.example")) == 36
