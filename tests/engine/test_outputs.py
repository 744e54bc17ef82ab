"""Files of scores appear whole or not at all, and a disk that cannot hold them is told in one line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from connector.engine.scoring import score
from connector.errors import StoreError
from scoring.model import load_model

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
PEOPLE = "person_id,seniority\n" + "".join(f"p{n},vp\n" for n in range(50))
FULL = Path("/dev/full")


def written(folder: Path, scores: Path, contributions: Path) -> None:
    data = folder / "data"
    data.mkdir()
    (data / "people.csv").write_text(PEOPLE, encoding="utf-8")
    with open_engine() as engine:
        tables = open_tables(engine, data)
        score(
            engine,
            load_model("preset:simple"),
            as_of=NOW,
            sources=tables,
            scores_path=scores,
            contributions_path=contributions,
        )


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    contributions = tmp_path / "c.parquet"
    with pytest.raises(StoreError, match="No such file or directory"):
        written(tmp_path, tmp_path / "nowhere" / "s.parquet", contributions)
    assert not list(tmp_path.glob("*.parquet*"))


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk_leaves_neither_file(tmp_path: Path) -> None:
    (tmp_path / "s.parquet.tmp").symlink_to(FULL)
    with pytest.raises(StoreError, match="No space left"):
        written(tmp_path, tmp_path / "s.parquet", tmp_path / "c.parquet")
    assert not list(tmp_path.glob("*.parquet*"))
