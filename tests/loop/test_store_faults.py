"""A disk that is full and a store that is an old copy, in the middle of the loop."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connector import pipeline
from connector.compose import open_job
from connector.errors import StoreError
from connector.pipeline import Options
from tests.loop.loops import CHIEF, Loop, written_state

LARGEST_FILE = 150_000  # bytes: the state database alone has more when the plan is in it


@pytest.mark.fault("F28", "I2", "I4")
def test_a_disk_that_is_full_stops_the_run_before_anything_is_sent(fresh: Loop, expected: dict[str, object]) -> None:
    mark = fresh.mark()
    with open_job(fresh.config, writer=True, writes_crm=True) as job:
        pages = job.state.execute("PRAGMA page_count").fetchone()[0]
        job.state.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreError, match="the disk is full") as raised:
            pipeline.sync(job, Options(backfill_tasks=True))
    assert raised.value.exit_code == 74
    assert fresh.writes(mark) == []
    fresh.sync(backfill=True)
    assert fresh.waiting() == []
    assert written_state(fresh) == expected


@pytest.mark.fault("F28", "I4")
@pytest.mark.parametrize("crm", ["hubspot"])
def test_a_file_that_cannot_grow_ends_the_process_with_74(fresh: Loop, expected: dict[str, object]) -> None:
    mark = fresh.mark()
    words = [sys.executable, "-m", "connector", "sync", "--backfill-tasks", "-c", str(fresh.config)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    limit = (LARGEST_FILE, LARGEST_FILE)
    ran = subprocess.run(
        words,
        capture_output=True,
        text=True,
        env=environment,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
        check=False,
    )
    assert ran.returncode == 74, ran.stderr
    assert "Traceback" not in ran.stderr
    assert fresh.writes(mark) == []
    fresh.sync(backfill=True)
    assert written_state(fresh) == expected


@pytest.mark.fault("F29", "I1", "I7")
def test_an_old_copy_of_the_store_makes_no_task_twice_and_takes_no_owner(synced: Loop) -> None:
    store, copy = synced.folder / "leadlight-store", synced.folder / "old"
    shutil.copytree(store, copy)
    synced.retitle("p20", CHIEF)
    synced.sync()
    synced.edit(synced.people()["p01"], **{synced.words.owner: synced.people()["p02"]["fields"][synced.words.owner]})
    before = written_state(synced)
    shutil.rmtree(store)
    copy.rename(store)
    synced.advance(60)
    mark = synced.mark()
    outcome = synced.sync()
    assert outcome.applied is not None
    assert outcome.applied.rejected == 0
    assert written_state(synced) == before
    assert [row for row in synced.writes(mark) if row["op"] == "create"] == []
    assert synced.waiting() == []
