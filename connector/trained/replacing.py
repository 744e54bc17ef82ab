"""A file that is replaced whole: a reader sees the old one or the new one, also after a power cut."""

import os
from pathlib import Path

from connector.errors import StoreError
from connector.store.durable import make_durable


def replace_file(path: Path, text: str, advice: str) -> None:
    """Replace a file, or make it with its folder; raises StoreError, which ends in this advice, where it cannot be."""
    target = path.resolve()  # a link stays, what it points to is replaced
    partial = target.with_name(f"{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode if target.exists() else None
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            partial.chmod(mode & 0o777)
        partial.replace(target)
        make_durable(target.parent)
    except OSError as error:
        raise StoreError(f"{path}: cannot be replaced ({error.strerror or type(error).__name__}); {advice}") from None
