"""What was last written is known field by field; null that was written is not forgotten."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

import pytest

from connector.store import written
from connector.store.state import open_state

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    return open_state(tmp_path)


def test_fields_are_merged(connection: Connection) -> None:
    written.remember(connection, [("Lead", "1", {"Score": 1, "Band": "hot"}, AT)], run_id="r1")
    later = AT + timedelta(hours=1)
    written.remember(connection, [("Lead", "1", {"Band": None}, later), ("Contact", "1", {"Score": 2}, later)])
    (row,) = written.last_written(connection, "Lead")
    assert row.fields == {"Score": 1, "Band": None}
    assert row.written_at == later
    assert row.record_id == "1"


def test_as_a_table(connection: Connection) -> None:
    assert written.as_arrow(connection).num_rows == 0
    rows = [("Lead", f"{n:03d}", {"Name": "Zoë", "n": n}, AT) for n in range(300)]
    written.remember(connection, rows)
    table = written.as_arrow(connection)
    assert table.column_names == ["object", "record_id", "fields_json", "written_at"]
    assert table.num_rows == 300
    row = table.slice(7, 1).to_pylist()[0]
    assert (row["object"], row["record_id"], row["written_at"]) == ("Lead", "007", AT)
    assert json.loads(row["fields_json"]) == {"Name": "Zoë", "n": 7}


def test_forgetting(connection: Connection) -> None:
    written.remember(connection, [("Lead", "1", {}, AT), ("Lead", "2", {}, AT), ("Contact", "1", {}, AT)])
    written.forget(connection, "Lead", ["1", "9"])
    assert [row.record_id for row in written.last_written(connection, "Lead")] == ["2"]
    assert [row.record_id for row in written.last_written(connection, "Contact")] == ["1"]
