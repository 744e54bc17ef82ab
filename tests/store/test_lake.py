"""The lake: the newest row of a key, whatever was merged, compacted or swept in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import StoreError
from connector.store.files import ROW_GROUP_ROWS
from connector.store.lake import MAX_DELTA_FILES, Lake
from connector.store.state import open_state
from tests.store.lakes import Store, page, put, read

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("person_id",)


def test_the_newest_row_of_a_key_wins_whole(store: Store) -> None:
    lake, _ = store
    assert lake.relation("people") is None
    assert lake.columns("people") == {}
    put(store, {"a": 1, "b": 1, "c": 1})
    put(store, {"b": 2})
    put(store, {"c": None})
    assert read(lake) == [("a", 1), ("b", 2), ("c", None)]


def test_rows_of_one_merge_may_repeat(store: Store) -> None:
    lake, _ = store
    lake.commit(lake.merge("people", "person_id", [page({"a": 1}), page({"b": 1}), page({"a": 2})]))
    assert read(lake) == [("a", 2), ("b", 1)]


def test_deleted_rows_go_and_may_come_back(store: Store) -> None:
    lake, _ = store
    put(store, {"a": 1, "b": 1})
    put(store, {"c": 1}, deleted=["a", "never seen"])
    assert read(lake) == [("b", 1), ("c", 1)]
    assert "_deleted" not in lake.columns("people")
    put(store, {"a": 3})
    assert read(lake) == [("a", 3), ("b", 1), ("c", 1)]
    with lake.writer("people", "person_id") as writer:
        writer.delete(["b"])
        writer.add(page({"b": 4}))
        writer.delete(["c"])
        lake.commit(writer.close())
    assert read(lake) == [("a", 3), ("b", 4)]


def test_deletions_may_be_found_while_rows_are_read(store: Store) -> None:
    lake, _ = store
    put(store, {"a": 1})
    deleted: list[str] = []

    def pages() -> Iterator[pa.Table]:
        yield page({"b": 1})
        deleted.append("a")

    lake.commit(lake.merge("people", "person_id", pages(), deleted))
    assert read(lake) == [("b", 1)]


def test_a_record_batch_reader_is_taken(store: Store) -> None:
    lake, _ = store
    table = page({"a": 1})
    lake.commit(lake.merge("people", "person_id", pa.RecordBatchReader.from_batches(table.schema, table.to_batches())))
    assert read(lake) == [("a", 1)]


def test_nothing_to_merge(store: Store) -> None:
    lake, _ = store
    delta = lake.merge("people", "person_id", [page({}), pa.table({"person_id": pa.array([], pa.string())})])
    assert delta.files == ()
    lake.commit(delta)
    assert lake.relation("people") is None


def test_files_may_differ_in_columns_and_types(store: Store) -> None:
    lake, _ = store
    put(store, {"a": 1})
    other = pa.table({"person_id": ["b"], "city": ["Graz"], "n": pa.nulls(1)})
    lake.commit(lake.merge("people", "person_id", [other, page({"c": 3}, "m"), page({"d": 4})]))
    assert read(lake, columns="person_id, n, city, m") == [
        ("a", 1, None, None),
        ("b", None, "Graz", None),
        ("c", None, None, 3),
        ("d", 4, None, None),
    ]
    assert lake.columns("people") == {"person_id": "VARCHAR", "n": "BIGINT", "city": "VARCHAR", "m": "BIGINT"}
    text = pa.table({"person_id": ["a"], "n": ["many"]})
    lake.commit(lake.merge("people", "person_id", [page({"b": 5}), text]))
    assert [row for row in read(lake) if row[0] in "ab"] == [("a", "many"), ("b", "5")]
    assert lake.columns("people")["n"] == "VARCHAR"


def test_columns_are_those_of_a_file_whose_number_was_given_again(store: Store) -> None:
    lake, _ = store
    put(store, {"a": 1})
    assert set(lake.columns("people")) == {"person_id", "n"}
    lake.drop("people", [file.seq for file in lake.files("people")])
    names = [file.name for file in lake.files("people")]
    lake.sweep(grace_s=0)
    lake.commit(lake.merge("people", "person_id", [page({"b": 2}, "m")]))
    assert (names, [file.name for file in lake.files("people")]) == ([], ["000000001.parquet"])
    assert set(lake.columns("people")) == {"person_id", "m"}


def test_lists_and_times_come_back_as_they_were(store: Store) -> None:
    lake, _ = store
    table = pa.table(
        {
            "person_id": ["a"],
            "tags": pa.array([["x", "y"]], pa.list_(pa.string())),
            "created_at": pa.array([1_782_900_000_000_000], pa.timestamp("us", "UTC")),
        }
    )
    for force in (False, True):
        lake.commit(lake.merge("people", "person_id", [table]))
        lake.compact("people", "person_id", ORDER, force=force)
        assert lake.columns("people")["tags"] == "VARCHAR[]"
        assert lake.columns("people")["created_at"] == "TIMESTAMP WITH TIME ZONE"
        assert read(lake, columns="tags, epoch_us(created_at)") == [(["x", "y"], 1_782_900_000_000_000)]


def test_a_page_without_its_key_is_a_bug(store: Store) -> None:
    with pytest.raises(ValueError, match="lacks its key person_id"):
        store[0].merge("people", "person_id", [pa.table({"n": [1]})])


def test_small_pages_become_large_row_groups(store: Store, tmp_path: Path) -> None:
    lake, _ = store
    pages = (page({f"{n:03d}-{i:04d}": i for i in range(2_000)}) for n in range(130))
    lake.commit(lake.merge("people", "person_id", pages))
    (file,) = lake.files("people")
    metadata = pq.read_metadata(tmp_path / "lake" / "people" / file.name)
    sizes = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert sum(sizes) == 260_000 == file.rows
    assert sizes == [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 260_000 - 2 * ROW_GROUP_ROWS]
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_files_are_private(store: Store, tmp_path: Path) -> None:
    put(store, {"a": 1})
    store[0].compact("people", "person_id", ORDER)
    found = list((tmp_path / "lake" / "people").iterdir())
    assert len(found) == 2
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}


def test_the_first_load_is_compacted_into_one_sorted_base(store: Store, tmp_path: Path) -> None:
    lake, _ = store
    events = pa.table({"event_id": ["1", "2", "3", "4"], "person_id": ["b", "a", "b", "a"], "at": [2, 4, 1, 3]})
    lake.commit(lake.merge("events", "event_id", [events]))
    assert lake.compact("events", "event_id", ["person_id", "at", "no such column"])
    (file,) = lake.files("events")
    assert file.kind == "base"
    assert pq.read_table(tmp_path / "lake" / "events" / file.name)["event_id"].to_pylist() == ["4", "2", "3", "1"]
    assert lake.relation("events") == f"read_parquet('{tmp_path}/lake/events/{file.name}')"
    assert not lake.compact("events", "event_id", ["person_id"], force=True)


def test_compaction_waits_until_it_is_worth_it(store: Store) -> None:
    lake, _ = store
    put(store, {f"{n:04d}": n for n in range(100)})
    assert lake.compact("people", "person_id", ORDER)
    for n in range(MAX_DELTA_FILES):
        put(store, {"0007": n})
        assert not lake.compact("people", "person_id", ORDER)
    put(store, {"0007": 70})
    assert lake.compact("people", "person_id", ORDER)
    put(store, {f"{n:04d}": -n for n in range(21)})
    assert lake.compact("people", "person_id", ORDER)
    assert not lake.compact("people", "person_id", ORDER)
    assert read(lake)[7] == ("0007", -7)
    assert len(read(lake)) == 100
    assert not lake.compact("nothing", "person_id", ORDER)


def test_deletions_are_gone_after_compaction(store: Store) -> None:
    lake, _ = store
    put(store, {"a": 1, "b": 1})
    lake.compact("people", "person_id", ORDER)
    put(store, {}, deleted=["a"])
    lake.compact("people", "person_id", ORDER, force=True)
    assert read(lake) == [("b", 1)]
    assert lake.files("people")[0].rows == 1
    put(store, {}, deleted=["b"])
    lake.compact("people", "person_id", ORDER, force=True)
    assert read(lake) == []


def test_a_reader_keeps_the_files_of_its_query(store: Store, tmp_path: Path) -> None:
    lake, _ = store
    put(store, {"a": 1})
    put(store, {"a": 2})
    reader = Lake(tmp_path, open_state(tmp_path))
    relation = reader.relation("people")
    lake.compact("people", "person_id", ORDER)
    put(store, {"a": 3})
    assert lake.sweep() == 0
    assert duckdb.connect().sql(f"SELECT n FROM {relation}").fetchall() == [(2,)]  # noqa: S608 - our own
    assert read(reader) == [("a", 3)]
    assert lake.sweep(grace_s=0) == 2
    assert read(reader) == [("a", 3)]


def test_sweeping_spares_what_is_being_written(store: Store, tmp_path: Path) -> None:
    lake, _ = store
    delta = lake.merge("people", "person_id", [page({"a": 1})])
    snapshot = lake.new_file("scores")
    (tmp_path / "lake" / "people" / "000000099.parquet").touch()
    assert lake.sweep(grace_s=0) == 1
    assert snapshot.exists()
    lake.commit(delta)
    assert read(lake) == [("a", 1)]


def score(lake: Lake, run_id: str, n: int, keep: int = 10) -> None:
    path = lake.new_file("scores")
    pq.write_table(page({"a": n}), path)
    lake.replace("scores", path, run_id=run_id, keep=keep)


def test_snapshots_replace_each_other_and_the_last_ones_are_kept(store: Store, tmp_path: Path) -> None:
    lake, _ = store
    for n in range(5):
        score(lake, f"r{n}", n, keep=3)
    assert read(lake, "scores") == [("a", 4)]
    assert [file.run_id for file in lake.files("scores")] == ["r2", "r3", "r4"]
    before = lake.relation("scores", run_id="r2")
    assert duckdb.connect().sql(f"SELECT n FROM {before}").fetchall() == [(2,)]  # noqa: S608 - our own
    assert lake.relation("scores", run_id="r0") is None
    assert lake.sweep(grace_s=0) == 2
    assert len(list((tmp_path / "lake" / "scores").iterdir())) == 3


def patch(lake: Lake, run_id: str, rows: dict[str, int | None], gone: list[str]) -> None:
    path = lake.new_file("scores")
    changes = [page(rows), pa.table({"person_id": pa.array(gone, pa.string()), "_deleted": [True] * len(gone)})]
    pq.write_table(pa.concat_tables(changes, promote_options="permissive"), path)
    lake.patch("scores", "person_id", path, run_id=run_id, keep=3)


def of_run(lake: Lake, run_id: str) -> list[tuple[Any, ...]]:
    relation = lake.relation("scores", run_id=run_id)
    assert relation is not None
    return duckdb.connect().execute(f"SELECT person_id, n FROM {relation} ORDER BY 1").fetchall()  # noqa: S608 - our own


def test_runs_put_their_rows_on_a_snapshot_and_each_can_be_read(store: Store) -> None:
    lake, _ = store
    score(lake, "r0", 0, keep=3)
    patch(lake, "r1", {"a": 1, "b": 1}, [])
    patch(lake, "r2", {"c": 2}, ["a"])
    assert "_deleted" not in lake.columns("scores")
    assert read(lake, "scores") == of_run(lake, "r2") == [("b", 1), ("c", 2)]
    assert of_run(lake, "r1") == [("a", 1), ("b", 1)]
    assert of_run(lake, "r0") == [("a", 0)]
    patch(lake, "r3", {"a": 3}, [])
    assert [file.run_id for file in lake.files("scores")] == ["r0", "r1", "r2", "r3"]
    assert of_run(lake, "r1") == [("a", 1), ("b", 1)]


def test_a_merged_snapshot_is_of_the_same_run_and_what_only_older_runs_need_goes(store: Store) -> None:
    lake, _ = store
    score(lake, "r0", 0, keep=3)
    patch(lake, "r1", {"b": 1}, [])
    assert lake.compact("scores", "person_id", ORDER, force=True)
    assert read(lake, "scores") == of_run(lake, "r1") == [("a", 0), ("b", 1)]
    assert of_run(lake, "r0") == [("a", 0)]
    patch(lake, "r2", {}, ["b"])
    assert of_run(lake, "r0") == [("a", 0)]
    patch(lake, "r3", {"b": 3}, [])
    assert lake.relation("scores", run_id="r0") is None
    assert [file.kind for file in lake.files("scores")] == ["snapshot", "delta", "delta"]
    assert of_run(lake, "r1") == [("a", 0), ("b", 1)]
    assert of_run(lake, "r2") == [("a", 0)]
    assert read(lake, "scores") == of_run(lake, "r3") == [("a", 0), ("b", 3)]
    score(lake, "r4", 4, keep=3)
    assert read(lake, "scores") == [("a", 4)]
    assert of_run(lake, "r2") == [("a", 0)]


def test_a_snapshot_from_elsewhere_is_moved_in(store: Store, tmp_path: Path) -> None:
    lake, _ = store
    pq.write_table(page({"a": 1}), tmp_path / "made.parquet")
    lake.replace("scores", tmp_path / "made.parquet", run_id="r1")
    assert read(lake, "scores") == [("a", 1)]
    assert not (tmp_path / "made.parquet").exists()


def test_a_snapshot_that_is_no_parquet_is_refused(store: Store) -> None:
    lake, _ = store
    score(lake, "r1", 1)
    path = lake.new_file("scores")
    path.write_bytes(b"no parquet")
    with pytest.raises(StoreError, match="no Parquet file"):
        lake.replace("scores", path, run_id="r2")
    assert read(lake, "scores") == [("a", 1)]


@pytest.mark.fault("F30")
def test_a_damaged_file_is_a_store_error(store: Store, tmp_path: Path) -> None:
    lake, _ = store
    put(store, {"a": 1})
    (tmp_path / "lake" / "people" / lake.files("people")[0].name).write_bytes(b"no parquet")
    with pytest.raises(StoreError):
        lake.columns("people")
    with pytest.raises(StoreError):
        lake.compact("people", "person_id", ORDER, force=True)


def test_odd_folder_names_are_read_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "it's [1] *?"
    connection = open_state(folder)
    store = (Lake(folder, connection), connection)
    put(store, {"a": 1})
    put(store, {"b": 2})
    assert read(store[0]) == [("a", 1), ("b", 2)]
    assert store[0].compact("people", "person_id", ORDER)
    assert read(store[0]) == [("a", 1), ("b", 2)]


KEY = st.sampled_from("abcde")
STEP = st.one_of(
    st.tuples(st.just("merge"), st.lists(st.tuples(KEY, st.integers(0, 9)), max_size=4), st.lists(KEY, max_size=2)),
    st.tuples(st.just("compact"), st.none(), st.none()),
    st.tuples(st.just("sweep"), st.none(), st.none()),
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEP, max_size=8))
def test_the_lake_equals_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    lake = Lake(folder, open_state(folder))
    expected: dict[str, int] = {}
    for step, rows, deleted in steps:
        if step == "merge":
            lake.commit(lake.merge("people", "person_id", [page({key: n}) for key, n in rows], deleted))
            expected |= dict(rows)
            expected = {key: n for key, n in expected.items() if key not in deleted}
        elif step == "compact":
            lake.compact("people", "person_id", ORDER, force=True)
        else:
            lake.sweep(grace_s=0)
    assert dict(read(lake) if "n" in lake.columns("people") else []) == expected
