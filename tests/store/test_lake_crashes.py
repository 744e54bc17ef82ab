"""The lake under kills and a full disk: the rows and the cursor that covers them are committed together, or not."""

import subprocess
import sys
from pathlib import Path

import pytest

from connector.store import cursors
from connector.store.state import transaction
from tests.store.lakes import Store, files, page, put, read

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.fault("I9")
def test_nothing_counts_until_the_callers_transaction_commits(store: Store) -> None:
    lake, connection = store
    put(store, {"a": 1})
    delta = lake.merge("people", "person_id", [page({"a": 2})])
    assert read(lake) == [("a", 1)]
    with pytest.raises(RuntimeError), transaction(connection):  # noqa: PT012 - the block is the point
        lake.commit(delta)
        cursors.put(connection, "Lead", "2")
        raise RuntimeError
    assert read(lake) == [("a", 1)]
    with transaction(connection):
        lake.commit(delta, run_id="r00000002")
        cursors.put(connection, "Lead", "2")
    assert read(lake) == [("a", 2)]
    assert lake.files("people")[-1].run_id == "r00000002"


MERGE_AND_DIE = """
import os, sys
from pathlib import Path
import pyarrow as pa
from connector.store import cursors
from connector.store.lake import Lake
from connector.store.state import open_state, transaction

folder, point = Path(sys.argv[1]), sys.argv[2]
connection = open_state(folder)
lake = Lake(folder, connection)
with lake.writer("people", "person_id") as writer:
    writer.add(pa.table({"person_id": ["a", "new"], "n": pa.array([2, 2], pa.int64())}))
    if point == "writing":
        os._exit(137)
    delta = writer.close()
if point == "written":
    os._exit(137)
with transaction(connection):
    lake.commit(delta)
    cursors.put(connection, "Lead", "2")
    if point == "committing":
        os._exit(137)
if point == "committed":
    os._exit(137)
lake.compact("people", "person_id", ["person_id"], force=True)
os._exit(137)
"""


@pytest.mark.fault("F12", "I9")
@pytest.mark.parametrize("point", ["writing", "written", "committing", "committed", "compacted"])
def test_a_kill_at_any_point_leaves_rows_and_cursor_in_step(store: Store, tmp_path: Path, point: str) -> None:
    lake, connection = store
    put(store, {"a": 1, "b": 1})
    cursors.put(connection, "Lead", "1")
    ended = subprocess.run([sys.executable, "-c", MERGE_AND_DIE, str(tmp_path), point], cwd=ROOT, check=False)
    assert ended.returncode == 137
    landed = point in ("committed", "compacted")
    expected = [("a", 2), ("b", 1), ("new", 2)] if landed else [("a", 1), ("b", 1)]
    for _ in ("before", "after"):
        assert read(lake) == expected
        assert cursors.get(connection, "Lead") == ("2" if landed else "1")
        lake.sweep(grace_s=0)
    assert files(tmp_path) == {file.name for file in lake.files("people")}
    put(store, {"a": 3})
    assert read(lake)[0] == ("a", 3)


COMPACT_AND_DIE = """
import os, sys
from pathlib import Path
from connector.store import parquet
from connector.store.lake import Lake
from connector.store.state import open_state

folder = Path(sys.argv[1])
lake = Lake(folder, open_state(folder))
parquet.row_count = lambda path: os._exit(137)
lake.compact("people", "person_id", ["person_id"], force=True)
"""


@pytest.mark.fault("F12")
def test_a_kill_between_the_sorted_file_and_its_commit(store: Store, tmp_path: Path) -> None:
    put(store, {"a": 1})
    put(store, {"a": 2})
    ended = subprocess.run([sys.executable, "-c", COMPACT_AND_DIE, str(tmp_path)], cwd=ROOT, check=False)
    assert ended.returncode == 137
    lake, _ = store
    assert len(files(tmp_path)) == 3
    assert read(lake) == [("a", 2)]
    assert lake.sweep() == 1
    assert read(lake) == [("a", 2)]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import pyarrow as pa
from connector.errors import StoreError
from connector.store.lake import Lake
from connector.store.state import open_state

folder = Path(sys.argv[1])
lake = Lake(folder, open_state(folder))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
pages = (pa.table({"person_id": [f"{n}-{i}-{i * 7919 % 10007}" for i in range(50_000)]}) for n in range(40))
try:
    lake.merge("people", "person_id", pages)
except StoreError as error:
    sys.exit(error.exit_code)
"""


@pytest.mark.fault("F28")
@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX thing")
def test_a_disk_that_fills_up_is_a_store_error(store: Store, tmp_path: Path) -> None:
    put(store, {"a": 1})
    ended = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], cwd=ROOT, check=False)
    assert ended.returncode == 74
    assert read(store[0]) == [("a", 1)]
    assert store[0].sweep() >= 1
