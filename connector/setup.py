"""A first configuration: asked for, or taken from a running sandbox."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from connector.crm.base import Owner
from connector.errors import ConfigError

POOL_SIZE = 8


@dataclass(frozen=True)
class Answers:
    """Hold what a configuration needs; secret is (key, value) for a token that may stand in the file, else null."""

    kind: str
    instance_url: str
    auth: str
    mapping: str
    model: str
    band: str
    owners: tuple[str, ...]
    ca_file: str | None = None
    client_id: str | None = None
    username: str | None = None
    token: str | None = None


def from_ready_line(path: Path) -> dict[str, Any]:
    """Read a sandbox's ready line; raises ConfigError where the file holds none."""
    try:
        ready = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
        return {key: ready[key] for key in ("crm", "url", "token", "ca_file", "instance_url")}
    except (OSError, ValueError, KeyError, IndexError):
        raise ConfigError(
            f"{path}: holds no ready line of a sandbox; run `leadlight sandbox serve --crm salesforce > {path.name}`"
        ) from None


def keep_authority(ready: Mapping[str, Any], config: Path) -> dict[str, Any]:
    """Copy a sandbox's authority beside the configuration, so that it can be read when the sandbox is gone."""
    if ready["ca_file"] is None:
        return dict(ready)
    kept = config.with_suffix(".ca.pem")
    config.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(ready["ca_file"], kept)
    except OSError:
        raise ConfigError(f"{ready['ca_file']}: cannot be read; is the sandbox still running?") from None
    return {**ready, "ca_file": kept.name}


def sandbox_answers(
    ready: Mapping[str, Any], *, model: str, mapping: str | None, band: str, owners: Sequence[Owner]
) -> Answers:
    """Turn a sandbox's ready line into answers; its token may stand in the file: it opens nothing but the sandbox."""
    return Answers(
        kind=ready["crm"],
        instance_url=ready["instance_url"] or ready["url"],
        auth="token",
        mapping=mapping or ready["crm"],
        model=model,
        band=band,
        owners=pool_of(owners),
        ca_file=ready["ca_file"],
        token=ready["token"],
    )


def pool_of(owners: Sequence[Owner]) -> tuple[str, ...]:
    """Choose the people of a first pool: active users with an e-mail address, at most eight, by address."""
    return tuple(sorted(o.email for o in owners if o.active and not o.queue and o.email))[:POOL_SIZE]


def write_config(answers: Answers, path: Path, *, overwrite: bool) -> None:
    """Write a configuration readable by its owner only; raises ConfigError where the file exists already."""
    if path.exists() and not overwrite:
        raise ConfigError(f"{path}: exists already; pass --yes to overwrite it, or -o with another name")
    environment = jinja2.Environment(  # noqa: S701 - the output is TOML; values go through the `quoted` filter
        loader=jinja2.PackageLoader("connector", "templates"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = json.dumps  # a JSON string is a TOML basic string
    text = environment.get_template("config.toml.j2").render(answers=answers)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
