"""Where the values of [[feed]] come from: places beside the file, secrets in the environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def feeds_of(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the raw tables of feeds that have an id, whatever else is wrong with them."""
    rows = raw.get("feed")
    tables = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [row for row in tables if isinstance(row.get("id"), str) and row["id"]]


def make_feeds_absolute(raw: Mapping[str, Any], folder: Path) -> None:
    """Take relative places of feeds from the configuration's folder."""
    for row in feeds_of(raw):
        for key in ("path", "use"):
            value = row.get(key)
            if isinstance(value, str) and value and (key == "path" or value.endswith(".toml")):
                row[key] = str(folder / Path(value).expanduser())
