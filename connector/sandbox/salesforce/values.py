"""Check and convert the values a client writes.

No recording of most refusals: their codes and messages are from the vendor's documentation.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from connector.sandbox.salesforce.errors import CrmError
from connector.sandbox.salesforce.ids import canonical_id
from connector.sandbox.salesforce.objects import FieldSpec, stored

EMAIL = re.compile(r"[^@\s,;<>()\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
MAX_INT = 99_999_999
XSD_TYPES = {"date": "xsd:date", "datetime": "xsd:dateTime", "boolean": "xsd:boolean", "int": "xsd:int"}


class UnreadableError(ValueError):
    """Say that a value is not of the field's type."""


def convert(spec: FieldSpec, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Bring a written value to its stored form.

    Raises UnreadableError for a wrong type, CrmError for a refused value.
    """
    if value is None or value == "":
        return None
    converter = CONVERTERS.get(spec.type)
    return _text(spec, value) if converter is None else converter(spec, value)


def _text(spec: FieldSpec, value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, (dict, list)):
        raise UnreadableError
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text.strip() if spec.type != "textarea" else text.rstrip()
    if len(text) > spec.length:
        shown = text if len(text) <= 255 else text[:255]
        message = f"{spec.label}: data value too large: {shown} (max length={spec.length})"
        raise CrmError("STRING_TOO_LONG", message, [spec.name])
    return text or None  # type: ignore[return-value]  # blank text is null in the CRM


def _email(spec: FieldSpec, value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    text = _text(spec, value)
    if text is not None and not EMAIL.fullmatch(text):
        raise CrmError("INVALID_EMAIL_ADDRESS", f"{spec.label}: invalid email address: {text}", [spec.name])
    return text


def _picklist(spec: FieldSpec, value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    text = _text(spec, value)
    chosen = (text or "").split(";") if spec.type == "multipicklist" else [text]
    if text is not None and spec.restricted and not set(chosen) <= set(spec.values):
        message = f"{spec.label}: bad value for restricted picklist field: {text}"
        raise CrmError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [spec.name])
    return text


def _boolean(spec: FieldSpec, value: Any) -> int:  # noqa: ANN401 - any JSON value
    if isinstance(value, bool):
        return int(value)
    text = str(value).strip().lower()
    if text not in ("true", "false", "1", "0"):
        raise UnreadableError
    return int(text in ("true", "1"))


def _number(spec: FieldSpec, value: Any) -> float | int:  # noqa: ANN401 - any JSON value
    if isinstance(value, (bool, dict, list)):
        raise UnreadableError
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise UnreadableError from None
    if not number.is_finite():
        raise UnreadableError
    if spec.type == "int":
        if number != number.to_integral_value():
            raise UnreadableError
        return _within(spec, number, Decimal(MAX_INT))
    rounded = (
        number.quantize(Decimal(1).scaleb(-spec.scale), ROUND_HALF_UP) if abs(number) < Decimal(10) ** 18 else number
    )
    return float(_within(spec, rounded, Decimal(10) ** (spec.precision - spec.scale) - Decimal(1).scaleb(-spec.scale)))


def _within(spec: FieldSpec, number: Decimal, limit: Decimal) -> int | float:
    if abs(number) > limit:
        message = f"{spec.label}: value outside of valid range on numeric field: {number}"
        raise CrmError("NUMBER_OUTSIDE_VALID_RANGE", message, [spec.name])
    return int(number) if spec.type == "int" else float(number)


def _date(spec: FieldSpec, value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = str(value).strip()
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else _moment(text).date().isoformat()
    except ValueError:
        raise UnreadableError from None


def _datetime(spec: FieldSpec, value: Any) -> str:  # noqa: ANN401 - any JSON value
    try:
        return str(stored(_moment(str(value).strip()).replace(microsecond=0)))
    except ValueError:
        raise UnreadableError from None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _reference(spec: FieldSpec, value: Any) -> str:  # noqa: ANN401 - any JSON value
    found = canonical_id(value) if isinstance(value, str) else None
    if found is None:
        raise CrmError("MALFORMED_ID", f"{spec.label}: id value of incorrect type: {value}", [spec.name])
    return found


def type_error(spec: FieldSpec, value: Any, column: int | None) -> CrmError:  # noqa: ANN401 - any JSON value
    """Refuse a value of a wrong type; column is the place in a bulk job's CSV, null for JSON."""
    if column is not None:
        kind = XSD_TYPES.get(spec.type, "xsd:double")
        message = (
            f"Failed to deserialize field at col {column}. Due to, '{value}' is not a valid value for the type {kind}"
        )
        return CrmError("INVALID_FIELD", message, [spec.name])
    shape = "VALUE_STRING" if isinstance(value, str) else "START_OBJECT" if isinstance(value, dict) else "VALUE_NUMBER"
    found = f"Cannot deserialize instance of {spec.type} from {shape} value {value}"
    message = f"{found} or request may be missing a required field"
    return CrmError("JSON_PARSER_ERROR", message, None)


CONVERTERS: dict[str, Callable[[FieldSpec, Any], Any]] = {
    "boolean": _boolean,
    "int": _number,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "date": _date,
    "datetime": _datetime,
    "reference": _reference,
    "email": _email,
    "picklist": _picklist,
    "multipicklist": _picklist,
}
