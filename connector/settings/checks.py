"""What a configuration value must be, and what is said where it is not."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from pydantic import BaseModel, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from connector.acting.actions import parse_duration, template_problems
from connector.hours import parse_holidays, parse_openings
from connector.settings.sources import PREFIX, SECRETS, Key
from mappings.naming import PREFIX as FIELD_PREFIX
from scoring.names import nearest

A = TypeVar("A", bound=BaseModel)
OFF = "off"
NEEDED = {
    "token": ("token",),
    "client_credentials": ("client_id", "client_secret"),
    "jwt": ("client_id", "username", "private_key"),
}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PLAIN = {
    "missing": "is missing",
    "too_short": "is empty",
    "string_too_short": "is empty",
    "string_type": "is not text",
    "tuple_type": "is not a list",
    "model_type": "is not a table",
    "model_attributes_type": "is not a table",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_type": "is not a number",
    "float_parsing": "is not a number",
}


def crm_defaults(values: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
    """Fill in what follows from the kind of CRM."""
    if not isinstance(values, dict):
        return values
    kind = values.get("kind")
    defaults = {"mapping": kind, "auth": "token" if kind == "hubspot" else "client_credentials"}
    if kind == "hubspot":
        defaults["instance_url"] = "https://api.hubapi.com"
    return {**defaults, **values} if isinstance(kind, str) else values


def auth(value: str, info: ValidationInfo) -> str:
    """Check that the CRM knows this way in."""
    if info.data.get("kind") == "hubspot" and value != "token":
        raise ValueError(f"HubSpot knows 'token' alone, not {value!r}")
    return value


def origin(value: str | None) -> str | None:
    """Check an address that credentials are sent to: https, or http on this machine; nothing after the host."""
    if value is None:
        return None
    parts = urlsplit(value)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not (safe and parts.hostname) or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{value!r} is not an address such as https://acme.my.salesforce.com (https, no path)")
    return value.rstrip("/")


def api_version(value: str | None) -> str | None:
    """Check a Salesforce API version."""
    if value is not None and not re.fullmatch(r"\d+\.0", value):
        raise ValueError(f"{value!r} is not a version such as 62.0")
    return value


def existing_file(value: Path | None) -> Path | None:
    """Check that a file exists."""
    if value is not None and not value.is_file():
        raise ValueError(f"{value} does not exist")
    return value


def mapping_file(value: str) -> str:
    """Check that a mapping file exists; a shipped mapping's name is the mapping loader's to judge."""
    if value.endswith(".toml"):
        existing_file(Path(value))
    return value


def model_file(value: str) -> str:
    """Check that a model file exists; a preset's name is the model loader's to judge."""
    if not value.startswith("preset:"):
        existing_file(Path(value))
    return value


def field_prefix(value: str | None) -> str | None:
    """Check the beginning of CRM field names."""
    if value is not None and not FIELD_PREFIX.match(value):
        raise ValueError(f"{value!r} cannot begin a field's name; letters and digits, single _ between them")
    return value


def duration(value: str) -> str:
    """Check a duration."""
    parse_duration(value)
    return value


def template(value: str) -> str:
    """Check the template of a task's words."""
    problems = template_problems("", {"": value})
    if problems:
        raise ValueError(problems[0].lstrip(".: "))
    return value


def templates(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the templates of a list."""
    return tuple(map(template, value))


def optional_duration(value: str | None) -> str | None:
    """Check a duration that may be absent."""
    return None if value is None else duration(value)


def timezone(value: str) -> str:
    """Check the name of a time zone."""
    try:
        ZoneInfo(value)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{value!r} is no time zone; write UTC or a name such as Europe/Berlin") from None
    return value


def openings(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the hours of a week."""
    parse_openings(value)
    return value


def holidays(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check days off."""
    parse_holidays(value)
    return value


def cron(value: str) -> str:
    """Check a cron expression; weekdays go by name, for 0 is Monday to the scheduler and Sunday to everybody else."""
    if any(letter.isdigit() for letter in "".join(value.split()[4:5])):
        raise ValueError(f"{value!r} numbers its weekday; name it: mon, tue, wed, thu, fri, sat, sun")
    try:
        CronTrigger.from_crontab(value, timezone="UTC")
    except ValueError:
        raise ValueError(f"{value!r} is no cron expression (minute hour day month weekday)") from None
    return value


def cron_or_off(value: str) -> str:
    """Check a cron expression that may also be off."""
    return value if value == OFF else cron(value)


def distinct(rows: tuple[Any, ...], keys: tuple[str, ...]) -> tuple[Any, ...]:
    """Check that no two tables of a list have the same first key beside the same others."""
    values = [tuple(getattr(row, key) for key in keys) for row in rows]
    twice = sorted({value[0] for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{keys[0]} {', '.join(map(repr, twice))} occurs more than once")
    return rows


def pool_or_route(owner: A) -> A:
    """Check that an owner comes from one place."""
    named = [name for name in ("pool", "route") if getattr(owner, name, None) is not None]
    if len(named) != 1:
        raise ValueError("names both a pool and route" if named else "names neither a pool nor route = true")
    return owner


def unknown_hours(raw: Mapping[str, Any]) -> list[str]:
    """Name what asks for hours that are not there; asked of the raw tables, as pools are."""
    known = [str(row.get("id")) for row in tables(raw.get("hours"))]
    tasks = [(f"action[{n}].task", row.get("task")) for n, row in enumerate(tables(raw.get("action")), start=1)]
    tasks += [(f"sla[{n}]", row) for n, row in enumerate(tables(raw.get("sla")), start=1)]
    wanted = [(where, row["hours"]) for where, row in tasks if isinstance(row, dict) and "hours" in row]
    return [
        f"{where}.hours: no [[hours]] with id {name!r}{nearest(str(name), known)}"
        for where, name in wanted
        if name not in known
    ]


def one_membership(added: A) -> A:
    """Check that one thing is named to put people on, and what belongs to another one is not."""
    named = [name for name in ("campaign", "list", "sequence") if getattr(added, name) is not None]
    if len(named) != 1:
        raise ValueError("names one of campaign, list, sequence")
    if named != ["campaign"] and getattr(added, "status", None) is not None:
        raise ValueError("status is for a campaign")
    if (named == ["sequence"]) != (getattr(added, "user_id", None) is not None):
        raise ValueError("user_id is needed with sequence, and with nothing else")
    if named != ["sequence"] and getattr(added, "sender", None) is not None:
        raise ValueError("sender is for a sequence")
    return added


def does_something(action: A, effects: Sequence[str]) -> A:
    """Check that an action does something."""
    if all(getattr(action, name) is None for name in effects):
        raise ValueError(f"does nothing; name one of {', '.join(effects)}")
    return action


def missing_credential(auth: str, name: str) -> str:
    """Say how to set a credential."""
    variable = f"{PREFIX}CRM__{name.upper()}"
    how = f"set {variable} or {variable}_FILE" if name in SECRETS else f"set it in [crm], or {variable}"
    return f"crm.{name}: is not set, and auth = {auth!r} needs it; {how}"


def readable(error: ValidationError, file: str, origins: Mapping[Key, str], settings: type[BaseModel]) -> list[str]:
    """Give one line per problem: where the value came from, its key, what is wrong, the nearest valid name."""
    details = error.errors(include_url=False)
    return [_line(detail, file, origins, settings) for detail in details if not _follows(detail)]


def _follows(detail: ErrorDetails) -> bool:
    """Tell whether a list is called too short because its entries are wrong, each of which has a line of its own."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _line(detail: ErrorDetails, file: str, origins: Mapping[Key, str], settings: type[BaseModel]) -> str:
    location = detail["loc"]
    variable = origins.get(tuple(map(str, location)))
    source = f"environment: {variable}" if variable else f"{file}: {_path(location)}"
    return f"{source}: {_what(detail, settings)}"


def _what(detail: ErrorDetails, settings: type[BaseModel]) -> str:
    key = str(detail["loc"][-1]) if detail["loc"] else ""
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key{nearest(key, _keys(settings, detail['loc'][:-1]))}"
        case "value_error":
            return str(detail["ctx"]["error"])
        case "literal_error" if key == "config_version":
            return (
                f"is {detail['input']!r}, this program reads {detail['ctx']['expected']}; install the program it is for"
            )
        case "literal_error":
            given, expected = str(detail["input"]), str(detail["ctx"]["expected"])
            return f"{given!r} is not one of {expected}{nearest(given, re.findall(r'[a-z_]+', expected))}"
        case kind if kind in _PLAIN:
            return _PLAIN[kind]
        case _:
            given = "" if key in SECRETS else f", it is {detail['input']!r}"
            return f"{detail['msg'][0].lower()}{detail['msg'][1:]}{given}"


def tables(value: object) -> list[dict[str, Any]]:
    """Give the tables of a list, whatever else stands in it."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _keys(settings: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    here: type[BaseModel] | None = settings
    for step in location:
        if isinstance(step, str) and here is not None:
            here = _table(here.model_fields[step].annotation) if step in here.model_fields else None
    return list(here.model_fields) if here else []


def _table(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type, a union, a tuple of types
    candidates = (annotation, *get_args(annotation))
    return next((found for found in candidates if isinstance(found, type) and issubclass(found, BaseModel)), None)


def _path(location: tuple[int | str, ...]) -> str:
    text = ""
    for step in location:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".") or "file"


def web_address(value: str | None) -> str | None:
    """Check an address that is asked for rows, perhaps with a token: https, or http on this machine."""
    if value is None:
        return None
    parts = urlsplit(value)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not (safe and parts.hostname) or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{value!r} is not an address such as https://export.acme.com/rows (https, no user in it)")
    return value


def listen_address(value: str) -> str:
    """Check an address with a port to listen on."""
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"{value!r} is not an address and a port, such as 127.0.0.1:8790")
    return value
