"""Addresses of channels: secrets that stand in the file, the environment or a file of their own."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scoring.names import nearest

VARIABLE = "LEADLIGHT_CHANNEL__{}__URL"


def channels_of(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the raw tables of channels that have an id, whatever else is wrong with them."""
    rows = raw.get("channel")
    tables = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [row for row in tables if isinstance(row.get("id"), str) and row["id"]]


def channel_variables(raw: Mapping[str, Any]) -> frozenset[str]:
    """Name the variables that hold a channel's address, or a file with it."""
    names = [VARIABLE.format(row["id"].upper()) for row in channels_of(raw)]
    return frozenset([*names, *(f"{name}_FILE" for name in names)])


def take_channel_secrets(raw: Mapping[str, Any]) -> Iterator[str]:
    """Put the addresses that stand outside the file into the raw tables; yields problems."""
    environment = {name.upper(): value for name, value in os.environ.items() if value}
    for row in channels_of(raw):
        variable = VARIABLE.format(row["id"].upper())
        value, file = environment.get(variable), environment.get(f"{variable}_FILE")
        if value and file:
            yield f"environment: {variable} and {variable}_FILE are both set; keep one"
        credential = Path(os.environ.get("CREDENTIALS_DIRECTORY") or ".") / f"channel_{row['id']}"
        if not file and os.environ.get("CREDENTIALS_DIRECTORY") and credential.is_file():
            file = str(credential)
        if value:
            row["url"] = value
        elif file:
            try:
                row["url"] = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                yield f"environment: {variable}_FILE: {file} cannot be read"


def unknown_channels(raw: Mapping[str, Any]) -> list[str]:
    """Name every `channel` within an action or an SLA that is not there."""
    known = [row["id"] for row in channels_of(raw)]
    return [
        f"{where}: no [[channel]] with id {name!r}{nearest(name, known)}"
        for table in ("action", "sla")
        for where, name in _named(table, raw.get(table))
        if name not in known
    ]


def _named(where: str, value: object) -> Iterator[tuple[str, str]]:
    """Walk tables and lists for the key `channel`."""
    if isinstance(value, list):
        for place, inner in enumerate(value, start=1):
            yield from _named(f"{where}[{place}]", inner)
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "channel" and isinstance(inner, str):
                yield f"{where}.channel", inner
            yield from _named(f"{where}.{key}", inner)
