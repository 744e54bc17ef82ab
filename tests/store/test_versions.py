"""Trained models are kept by version: one scores, the others wait or can be put back as they were."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

import pytest

from connector.store import versions
from connector.store.state import open_state
from scoring.predict.artefact import TableModel, versioned
from tests.predict.trained import raw_model

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    return open_state(tmp_path)


def trained(intercept: float) -> TableModel:
    raw = {**raw_model(), "intercept": intercept, "card": {"holdout": {"auc_same_age": 0.7}}}
    return versioned(TableModel.model_validate_json(json.dumps(raw)))


def keep(connection: Connection, table: TableModel, days: int = 0, *, waits: bool = True) -> None:
    at = NOW + timedelta(days=days)
    versions.keep(connection, "m", table, made_at=at, by=versions.BY_TRAINING, waits=waits)


def states(connection: Connection) -> dict[str, str]:
    return {one.version: one.state for one in versions.kept(connection, "m")}


def test_what_was_kept_comes_back_to_the_byte(connection: Connection) -> None:
    table = trained(-1.0)
    keep(connection, table)
    found = versions.candidate(connection, "m")
    assert found is not None
    assert (found.state, found.made_at, found.figures) == ("candidate", NOW, {"auc_same_age": 0.7})
    assert versions.artefact(connection, "m", table.version).as_json() == table.as_json()
    with pytest.raises(KeyError):
        versions.artefact(connection, "other", table.version)
    with pytest.raises(KeyError):
        versions.put_in_use(connection, "other", table.version, by=versions.BY_PERSON)


def test_one_waits_one_scores_and_the_others_can_come_back(connection: Connection) -> None:
    old, late, new = (trained(value) for value in (-1.0, -2.0, -3.0))
    for day, table in enumerate((old, late, new)):
        keep(connection, table, day)
        keep(connection, table, day + 5)  # the same training twice is one version
    assert [one.version for one in versions.kept(connection, "m")] == [new.version, late.version, old.version]
    assert states(connection) == {old.version: "superseded", late.version: "superseded", new.version: "candidate"}
    assert versions.put_in_use(connection, "m", old.version, by=versions.BY_FILE)
    assert versions.put_in_use(connection, "m", new.version, by=versions.BY_PERSON, note="3 move")
    assert not versions.put_in_use(connection, "m", new.version, by=versions.BY_FILE)
    assert states(connection) == {old.version: "retired", late.version: "superseded", new.version: "in_use"}
    assert versions.candidate(connection, "m") is None
    now = versions.in_use(connection, "m")
    assert now is not None
    assert (now.version, now.in_use_by) == (new.version, versions.BY_PERSON)
    told = versions.switches(connection, "m")
    assert [(one.version, one.before, one.note) for one in told] == [
        (new.version, old.version, "3 move"),
        (old.version, None, ""),
    ]
    keep(connection, old)  # trained again as it was: it stays retired, since somebody took it out of use
    keep(connection, late, waits=False)
    assert versions.candidate(connection, "m") is None
    keep(connection, late)
    assert states(connection) == {old.version: "retired", late.version: "candidate", new.version: "in_use"}
