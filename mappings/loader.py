"""Load mapping files: packaged or the user's, `extends` merged, every problem told at once."""

import difflib
import tomllib
from collections.abc import Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mappings.create import CreateField, CreateTarget
from mappings.lists import PACKAGED as PACKAGED_LISTS
from mappings.lists import Lists
from mappings.model import (
    Condition,
    EventEntry,
    Mapping,
    OutcomeEntry,
    OwnerTarget,
    ReadTable,
    Source,
    TaskField,
    TaskTarget,
    WriteField,
    WriteTargets,
)

PACKAGED: Final = ("hubspot", "salesforce")
# Fields that a vendor's tool fills in a CRM: put behind the CRM's mapping in a list of `extends`.
VENDORS: Final = (
    "vendors/6sense",
    "vendors/act_on",
    "vendors/crossbeam",
    "vendors/demandbase",
    "vendors/einstein",
    "vendors/eloqua",
    "vendors/hubspot_scores",
    "vendors/madkudu",
    "vendors/marketo",
    "vendors/pardot",
)
Document = dict[str, Any]  # parsed TOML, checked by pydantic right after


class MappingError(ValueError):
    """A mapping cannot be used; `problems` names every one with file, key and nearest valid name."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def load_mapping(source: str | Path, lists: Lists = PACKAGED_LISTS) -> Mapping:
    """Load a packaged mapping by name (`salesforce`, `hubspot`) or a TOML file.

    A file's `extends` names another one (packaged, or a path beside it), or several of which each changes those before
    it, and the file changes what differs: tables are merged, a column, source, condition or list is replaced, and
    `name = false` takes out what the base has. Raises MappingError.
    """
    document = _document(source, ())
    try:
        mapping = Mapping.model_validate(document)
    except ValidationError as error:
        raise MappingError(tuple(_problems(str(source), error.errors()))) from None
    for table in mapping.read.values():
        for found in table.sources():
            found.read_by(lists)
    return mapping


def _document(source: str | Path, seen: tuple[str, ...]) -> Document:
    if str(source) in seen:
        raise MappingError((f"{source}: extends itself: {' > '.join((*seen, str(source)))}",))
    document = _parse(source)
    base = document.pop("extends", None)
    if base is None:
        return document
    names = base if isinstance(base, list) else [base]
    if not names or not all(isinstance(name, str) for name in names):
        raise MappingError((f"{source}: extends: must be the name of a mapping, a path, or a list, not {base!r}",))
    merged: Document = {}
    for name in names:
        added = _document(_beside(source, name), (*seen, str(source)))
        if merged and added.get("crm", merged.get("crm")) != merged.get("crm"):
            problem = f"{name} is for {added['crm']}, {names[0]} is for {merged.get('crm')}; leave it out"
            raise MappingError((f"{source}: extends: {problem}",))
        merged = _merge(merged, added, ())
    return _merge(merged, document, ())


def _beside(source: str | Path, base: str) -> str | Path:
    """Find the base: a packaged name, else a path as seen from the file that extends it."""
    return base if base in (*PACKAGED, *VENDORS) else Path(source).parent / base


def _parse(source: str | Path) -> Document:
    try:
        return tomllib.loads(_file(source).read_text(encoding="utf-8"))
    except OSError as error:
        near = _nearest(str(source), (*PACKAGED, *VENDORS))
        names = ", ".join((*PACKAGED, *VENDORS))
        raise MappingError(
            (f"{source}: cannot be read ({error.strerror}); packaged mappings: {names}{near}",)
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError((f"{source}: is not valid TOML: {error}",)) from None


def _file(source: str | Path) -> Traversable | Path:
    packaged = isinstance(source, str) and source in (*PACKAGED, *VENDORS)
    return resources.files("mappings").joinpath(f"{source}.toml") if packaged else Path(source)


def _merges(path: tuple[str, ...]) -> bool:
    """Tell whether tables at this place are merged key by key; a column's source is one thing and is replaced."""
    if path[:1] != ("read",):
        return True
    return len(path) < 3 or (len(path) == 3 and path[2] in ("fields", "derive"))


def _merge(base: Document, changes: Document, path: tuple[str, ...]) -> Document:
    merged = dict(base)
    for name, value in changes.items():
        here = (*path, name)
        if value is False and not isinstance(base.get(name), bool) and name in base:
            del merged[name]
        elif isinstance(value, dict) and isinstance(base.get(name), dict) and _merges(here):
            merged[name] = _merge(base[name], value, here)
        else:
            merged[name] = value
    return merged


def _problems(source: str, errors: Sequence[ErrorDetails]) -> Iterator[str]:
    for error in errors:
        path = tuple(part for part in error["loc"] if part != "[key]")
        key = ".".join(str(part) for part in path) or "the file"
        if error["type"] == "extra_forbidden":
            valid = _names(_table_at(path[:-1]))
            yield f"{source}: {key}: unknown key{_nearest(str(path[-1]), valid)}; valid here: {', '.join(valid)}"
        elif error["type"] == "literal_error":
            expected = str(error.get("ctx", {}).get("expected", ""))
            names = [name.strip("' ") for name in expected.replace(" or ", ", ").split(",")]
            near = _nearest(str(error["input"]), names)
            yield f"{source}: {key}: {error['input']!r} is not one of {', '.join(names)}{near}"
        elif error["type"] == "missing":
            yield f"{source}: {key}: is required"
        else:
            for line in error["msg"].removeprefix("Value error, ").splitlines():
                yield f"{source}: {key}: {line}"


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name.lower(), [other.lower() for other in known], n=1)
    return next((f" (did you mean {other}?)" for other in known if near and other.lower() == near[0]), "")


def _names(table: type[BaseModel]) -> list[str]:
    shown = {name: field.alias or field.serialization_alias or name for name, field in table.model_fields.items()}
    names = [alias for name, alias in shown.items() if name not in ("creating", "dropped", "off")]
    return sorted([*names, "extends"] if table is Mapping else names)


_TABLES: Final[dict[str, type[BaseModel]]] = {
    "fields": Source,
    "derive": Source,
    "person": Source,
    "account": Source,
    "occurred_at": Source,
    "event": EventEntry,
    "outcome": OutcomeEntry,
    "owner": OwnerTarget,
    "task": TaskTarget,
    **dict.fromkeys(("when", "where", "all", "any", "not"), Condition),
    **dict.fromkeys(
        ("type", "url", "asset", "source", "value", "props", "is_bot", "reason", "amount", "currency"), Source
    ),
}


def _table_at(path: tuple[int | str, ...]) -> type[BaseModel]:
    """Tell what kind of table stands at a place of the file."""
    match path:
        case ():
            return Mapping
        case ("write",):
            return WriteTargets
        case ("create",):
            return CreateTarget
        case ("create", "fields", *_):
            return CreateField
        case ("write", "person" | "account", _) | ("write", "model", _, _):
            return WriteField
        case ("write", "task", "fields", *_):
            return TaskField
        case ("read", _):
            return ReadTable
        case _:
            return _inner_table(path)


def _inner_table(path: tuple[int | str, ...]) -> type[BaseModel]:
    named = [part for part in path[2 if path[0] == "read" else 1 :] if isinstance(part, str) and part in _TABLES]
    return _TABLES[named[-1]] if named else Mapping


__all__ = ["MappingError", "load_mapping"]
