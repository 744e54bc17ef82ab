"""Examples that stand beside a model's file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scoring.examples import Example
from scoring.problems import readable
from scoring.values import Frozen


class ExampleFile(Frozen):
    """A file of examples beside a model's: `NAME.test.toml`."""

    test: tuple[Example, ...] = ()


def examples_beside(file: str) -> tuple[tuple[Example, ...], list[str]]:
    """Read NAME.test.toml beside NAME.toml; gives its examples and what is wrong with it."""
    path = Path(file).with_suffix(".test.toml")
    if file.startswith("preset:") or not path.is_file():
        return (), []
    try:
        raw: Mapping[str, Any] = tomllib.loads(path.read_bytes().decode())
        return ExampleFile.model_validate(raw).test, []
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return (), [f"{path}: is not TOML: {error}"]
    except ValidationError as error:
        return (), [f"{path}: {line}" for line in readable(error, raw)]
