"""Checking and normalising property values as HubSpot does on every write."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.sandbox.hubspot.objects import ObjectType, Property
from connector.sandbox.hubspot.wire import stored_stamp

TEXT_MAX_CHARACTERS = 65_536
DAY_MS = 86_400_000
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]{2,}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Problem = dict[str, Any]


class InvalidValueError(ValueError):
    """A value that its property does not take; `code` is HubSpot's name for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Rules:
    """Say what values are measured against.

    owners: the ids of active owners. stages: by pipeline property and stage property, the known ids of an object.
    """

    kind: ObjectType
    portal_id: int
    properties: Mapping[str, Property]
    hidden: Collection[str]
    owners: Collection[str]
    stages: Mapping[str, Collection[str]]


def check(rules: Rules, raw: Mapping[str, Any], *, by_person: bool = False) -> tuple[dict[str, str], list[Problem]]:
    """Normalise values to what the tables keep, and list what is wrong with the rest.

    by_person: a change inside the CRM, which may set what the API may not.
    """
    clean: dict[str, str] = {}
    problems: list[Problem] = []
    for name, value in raw.items():
        prop = rules.properties.get(name)
        if prop is None or name in rules.hidden:
            problems.append(unknown(name))
            continue
        try:
            if prop.read_only and not by_person:
                raise InvalidValueError("READ_ONLY_VALUE", read_only_message(name, calculated=prop.calculated))
            clean[name] = normalise(rules, prop, value)
        except InvalidValueError as error:
            problems.append(invalid(rules, name, value, error))
    return clean, problems


def unknown(name: str) -> Problem:
    """Tell that there is no such property."""
    return {
        "isValid": False,
        "message": f'Property "{name}" does not exist',
        "error": "PROPERTY_DOESNT_EXIST",
        "name": name,
    }


def read_only_message(name: str, *, calculated: bool) -> str:
    """Say that a property cannot be written."""
    reason = "calculated" if calculated else "read only"
    return f'"{name}" is a {reason} property; its value cannot be set.'


def invalid(rules: Rules, name: str, value: object, error: InvalidValueError) -> Problem:
    """Tell what is wrong with a value."""
    return {
        "isValid": False,
        "message": str(error),
        "error": error.code,
        "name": name,
        "localizedErrorMessage": str(error),
        "propertyValue": "" if value is None else str(value),
        "portalId": rules.portal_id,
    }


def normalise(rules: Rules, prop: Property, value: object) -> str:
    """Give a value as the tables keep it; clearing gives an empty text. Raises InvalidValueError."""
    if value is None or value == "":
        return ""
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if prop.owner:
        return owner_id(rules, prop, text)
    if prop.external_options:
        return external(rules, prop, text)
    return NORMALISERS[prop.type](rules, prop, text)


def owner_id(rules: Rules, prop: Property, text: str) -> str:
    """Take the id of an active owner. No recording of the refusal: its code is inferred."""
    if text not in rules.owners:
        raise InvalidValueError("INVALID_OWNER_ID", f"Owner {text} does not exist or is not active.")
    return text


def external(rules: Rules, prop: Property, text: str) -> str:
    """Take a value whose options live elsewhere: pipelines and stages are known, all others pass."""
    known = rules.stages.get(prop.name)
    if known is not None and text not in known:
        listed = ", ".join(known)
        raise InvalidValueError("INVALID_OPTION", f"{text} was not one of the allowed options: [{listed}]")
    return text


def plain_text(rules: Rules, prop: Property, text: str) -> str:
    """Take text up to the vendor's length; an e-mail address must look like one."""
    if len(text) > TEXT_MAX_CHARACTERS:
        raise InvalidValueError("INVALID_LENGTH", f"{prop.name} is longer than {TEXT_MAX_CHARACTERS} characters.")
    if prop.name == "email":
        text = text.strip().lower()
        if not EMAIL.fullmatch(text):
            raise InvalidValueError("INVALID_EMAIL", f"Email address {text} is invalid")
    return text


def numeric(rules: Rules, prop: Property, text: str) -> str:
    """Take a plain decimal number: no thousands separators, no exponent."""
    if not NUMBER.fullmatch(text.strip()):
        raise InvalidValueError("INVALID_INTEGER", f"{text} was not a valid number.")
    return text.strip()


def one_of(rules: Rules, prop: Property, text: str) -> str:
    """Take an option's exact value; a checkbox takes several joined by `;`."""
    chosen = [part for part in text.split(";") if part] if prop.field_type == "checkbox" else [text]
    wrong = [part for part in chosen if part not in prop.values]
    if wrong:
        listed = ", ".join(option_text(option) for option in prop.options)
        raise InvalidValueError("INVALID_OPTION", f"{wrong[0]} was not one of the allowed options: [{listed}]")
    return text


def option_text(option: Mapping[str, Any]) -> str:
    """Write an option as HubSpot's messages do."""
    order = option["displayOrder"]
    return (
        f'label: "{option["label"]}"\nvalue: "{option["value"]}"\ndisplay_order: {order}\nhidden: false\n'
        "read_only: false\n"
    )


def moment(rules: Rules, prop: Property, text: str) -> str:
    """Take a time as milliseconds since 1970 or as ISO 8601."""
    ms = milliseconds(text)
    if ms is None:
        where = f"Portal {rules.portal_id}, object type {rules.kind.type_id}"
        raise InvalidValueError("INVALID_LONG", f"{text} was not a valid long. {where}")
    return stored_stamp(ms)


def day(rules: Rules, prop: Property, text: str) -> str:
    """Take a date as ISO 8601 or as milliseconds of midnight UTC."""
    ms = milliseconds(text)
    if ms is None or ms % DAY_MS:
        raise InvalidValueError("INVALID_DATE", f"{text} is at an invalid time or is not midnight UTC.")
    return stored_stamp(ms)[:10]


def milliseconds(text: str) -> int | None:
    """Read a time: milliseconds since 1970, or ISO 8601 (UTC where it names no zone); null where it is neither."""
    try:
        if re.fullmatch(r"-?\d+", text):
            found = int(text)
            stored_stamp(found)
            return found
        parsed = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    aware = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed
    return round(aware.timestamp() * 1000)


NORMALISERS: Mapping[str, Callable[[Rules, Property, str], str]] = {
    "string": plain_text,
    "number": numeric,
    "bool": one_of,
    "enumeration": one_of,
    "datetime": moment,
    "date": day,
}
