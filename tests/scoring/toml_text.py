"""Model files as text, from the tables that chance made."""

import json
from datetime import date


def toml(value: object) -> str:
    """Write a value as TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return (
                "{ "
                + ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {toml(part)}" for key, part in value.items())
                + " }"
            )
        case list() | tuple():
            return "[" + ", ".join(map(toml, value)) + "]"
        case date():
            return value.isoformat()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case _:
            return repr(value)
