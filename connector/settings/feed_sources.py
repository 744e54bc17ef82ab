"""Where the values of [[feed]] come from: places beside the file, secrets in the environment."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

VARIABLE = "LEADLIGHT_FEED__{}__{}"
SECRETS = ("token", "secret")


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


def feed_variables(raw: Mapping[str, Any]) -> frozenset[str]:
    """Name the variables that hold a feed's secrets, or files with them."""
    names = [_variable(row, name) for row in feeds_of(raw) for name in SECRETS]
    return frozenset([*names, *(f"{name}_FILE" for name in names)])


def feed_secrets_held(raw: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List the secrets that stand in the file itself, each with the variable that could hold it."""
    return [
        (f"feed.{row['id']}.{name}", f"FEED__{row['id']}__{name}")
        for row in feeds_of(raw)
        for name in SECRETS
        if row.get(name)
    ]


def take_feed_secrets(raw: Mapping[str, Any]) -> Iterator[str]:
    """Put the secrets that stand outside the file into the raw tables; yields problems."""
    environment = {name.upper(): value for name, value in os.environ.items() if value}
    for row in feeds_of(raw):
        for name in SECRETS:
            variable = _variable(row, name)
            value, file = environment.get(variable), environment.get(f"{variable}_FILE")
            if value and file:
                yield f"environment: {variable} and {variable}_FILE are both set; keep one"
            directory = os.environ.get("CREDENTIALS_DIRECTORY")
            credential = Path(directory or ".") / f"feed_{row['id']}_{name}"
            if not file and directory and credential.is_file():
                file = str(credential)
            if value:
                row[name] = value
            elif file:
                try:
                    row[name] = Path(file).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeDecodeError):
                    yield f"environment: {variable}_FILE: {file} cannot be read"


def _variable(row: Mapping[str, Any], name: str) -> str:
    return VARIABLE.format(row["id"].upper(), name.upper())
