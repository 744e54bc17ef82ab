"""Render the settings' own documentation as a configuration file that works as it stands."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_WIDTH = 116


def render(settings: type[BaseModel]) -> str:
    """Return TOML: a comment and a value for every field; optional ones without a default are commented out."""
    lines = list(_comment(settings.__doc__ or ""))
    for name, field in settings.model_fields.items():
        table, listed = _table(field.annotation)
        if table is None:
            lines += ["", *_field(name, field)]
        else:
            lines += ["", *_comment(table.__doc__ or ""), f"[[{name}]]" if listed else f"[{name}]"]
            lines += [line for key, inner in table.model_fields.items() for line in _field(key, inner)]
    return "\n".join(lines) + "\n"


def _field(name: str, field: FieldInfo) -> Iterator[str]:
    yield from _comment(field.description or "")
    inner, _ = _table(field.annotation)
    if inner is not None:
        yield from _inner_comments(inner)
    shown = isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("shown")
    optional = field.default is None and (inner is None or bool(field.examples)) and not shown
    yield f"{'# ' if optional else ''}{name} = {_toml(_value(field))}"


def _inner_comments(table: type[BaseModel]) -> Iterator[str]:
    for key, field in table.model_fields.items():
        if field.description:
            yield from _comment(f"  {key}: {field.description}")


def _value(field: FieldInfo) -> Any:  # noqa: ANN401 - a value of any kind
    if field.examples:
        return field.examples[0]
    inner, _ = _table(field.annotation)
    if inner is not None:
        shown = {key: found for key, found in inner.model_fields.items() if found.examples or found.default is not None}
        return {key: _value(found) for key, found in shown.items()}
    literals = get_args(field.annotation)
    return literals[0] if field.is_required() and literals else field.default


def _table(annotation: Any) -> tuple[type[BaseModel] | None, bool]:  # noqa: ANN401 - a type, a union, a tuple of types
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    parts = get_args(annotation)
    inner = next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)
    return inner, type(None) not in parts


def _comment(text: str) -> Iterator[str]:
    indent = text[: len(text) - len(text.lstrip())]
    words = " ".join(text.split())
    yield from textwrap.wrap(words, _WIDTH, initial_indent=f"# {indent}", subsequent_indent=f"# {indent}")


def _toml(value: Any) -> str:  # noqa: ANN401 - a value of any kind
    match value:
        case dict():
            return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            return json.dumps(str(value), ensure_ascii=False)
