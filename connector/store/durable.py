"""What a power cut may not take back: a file's bytes, and a name in its folder."""

import os
from pathlib import Path


def make_durable(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk; raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
