"""The files of a table: how they are named, and what a delta of them holds."""

import os
from dataclasses import dataclass
from pathlib import Path

DELETED = "_deleted"
ROW_GROUP_ROWS = 122_880  # 60 of DuckDB's vectors; smaller groups cost it time
_DIGITS = 9


@dataclass(frozen=True)
class Delta:
    """Carry what a writer has put on the disk: files in order with their row counts, not yet in the manifest."""

    table: str
    key: str
    files: tuple[tuple[Path, int], ...]

    @property
    def rows(self) -> int:
        """Count rows, deletions included."""
        return sum(rows for _, rows in self.files)


def new_file(folder: Path) -> Path:
    """Create an empty file, named by the next number; numbers order a table's files by age. Raises OSError."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # parents are made with the default mode
    folder.mkdir(mode=0o700, exist_ok=True)
    number = max((int(path.stem) for path in folder.glob("*.parquet")), default=0)
    while True:
        number += 1
        path = folder / f"{number:0{_DIGITS}d}.parquet"
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            continue
        return path
