"""Load the files of feeds: packaged or the user's, `extends` merged, every problem told at once."""

import tomllib
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mappings.feed import Clock, Feed, FeedEvent, KeyColumns, Share
from mappings.loader import MappingError
from mappings.spec import Condition, Source
from scoring.names import nearest

Document = dict[str, Any]  # parsed TOML, checked by pydantic right after
_MERGED: Final = ("key", "person", "account")
_TABLES: Final[dict[str, type[BaseModel]]] = {
    "key": KeyColumns,
    "time": Clock,
    "share": Share,
    "event": FeedEvent,
    **dict.fromkeys(("when", "where", "all", "any", "not"), Condition),
    **dict.fromkeys(("type", "url", "asset", "source", "value"), Source),
}


def packaged_feeds() -> tuple[str, ...]:
    """Name the feeds that ship with the product."""
    folder = resources.files("mappings") / "feeds"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_feed(source: str) -> Feed:
    """Load a packaged feed by name (`bombora`) or a TOML file.

    A file's `extends` names another one (packaged, or a path beside it) and changes what differs: key, person and
    account are merged, all else is replaced, and `name = false` takes out what the base has. Raises MappingError.
    """
    document = _document(source, ())
    try:
        return Feed.model_validate(document)
    except ValidationError as error:
        raise MappingError(tuple(_problems(source, error.errors()))) from None


def _document(source: str, seen: tuple[str, ...]) -> Document:
    if source in seen:
        raise MappingError((f"{source}: extends itself: {' > '.join((*seen, source))}",))
    document = _parse(source)
    base = document.pop("extends", None)
    if base is None:
        return document
    if not isinstance(base, str):
        raise MappingError((f"{source}: extends: must be the name of a feed or a path, not {base!r}",))
    if base.endswith(".toml"):
        base = str(Path(source).parent / base)
    return _merged(_document(base, (*seen, source)), document)


def _parse(source: str) -> Document:
    if not source.endswith(".toml"):
        known = packaged_feeds()
        if source not in known:
            ready = f"ready ones: {', '.join(known)}; a file of your own ends in .toml"
            raise MappingError((f"{source}: there is no such feed{nearest(source, known)} ({ready})",))
        text = resources.files("mappings").joinpath("feeds", f"{source}.toml").read_text(encoding="utf-8")
        return tomllib.loads(text)
    try:
        return tomllib.loads(Path(source).read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError((f"{source}: cannot be read ({error.strerror})",)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError((f"{source}: is not valid TOML: {error}",)) from None


def _merged(base: Document, changes: Document) -> Document:
    merged = dict(base)
    for name, value in changes.items():
        before = base.get(name)
        if value is False and name in base:
            del merged[name]
        elif name in _MERGED and isinstance(value, dict) and isinstance(before, dict):
            merged[name] = _merged(before, value)
        else:
            merged[name] = value
    return merged


def _problems(source: str, errors: Sequence[ErrorDetails]) -> Iterator[str]:
    for error in errors:
        path = tuple(part for part in error["loc"] if part != "[key]")
        key = ".".join(str(part) for part in path) or "the file"
        if error["type"] == "extra_forbidden":
            valid = _names(path[:-1])
            yield f"{source}: {key}: unknown key{nearest(str(path[-1]), valid)}; valid here: {', '.join(valid)}"
        elif error["type"] == "missing":
            yield f"{source}: {key}: is required"
        else:
            for line in error["msg"].removeprefix("Value error, ").splitlines():
                yield f"{source}: {key}: {line}"


def _names(path: tuple[int | str, ...]) -> list[str]:
    """List the keys that the table at a place of the file knows."""
    named = [part for part in path if isinstance(part, str)]
    table: type[BaseModel] = Feed
    if named:
        within = named[0] in ("person", "account") or (named[0] == "key" and len(named) > 1)
        table = Source if within else _TABLES.get(named[-1], Source)
    shown = {name: field.alias or field.serialization_alias or name for name, field in table.model_fields.items()}
    return sorted([*shown.values(), *(("extends",) if table is Feed else ())])


__all__ = ["load_feed", "packaged_feeds"]
