"""Results to CRM fields: which fields are needed, what is sent, and whether it differs enough to be sent."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from mappings.fields import NewField
from mappings.model import CanonicalName, FeedbackField, Mapping, Role, TaskField, WriteField
from mappings.wording import (
    CREATED_DESCRIPTION,
    CREATED_HELP,
    DESCRIPTIONS,
    FEEDBACK_DESCRIPTION,
    FEEDBACK_HELP,
    HELP,
    KEY_DESCRIPTION,
    KEY_HELP,
    KEY_LABEL,
    LABELS,
)

JsonScalar = str | int | float | bool | None
Value = JsonScalar | datetime
_LARGEST_DIGITS: Final = 18
_TABLES: Final[tuple[tuple[Role, CanonicalName], ...]] = (("person", "people"), ("account", "accounts"))
_KEY_LENGTH: Final = 255
_CUSTOM_NAMES: Final = {
    "salesforce": re.compile(r"[A-Za-z]\w*__c\Z"),
    "hubspot": re.compile(r"(?!hs_|hubspot_)[a-z][a-z0-9_]*\Z"),
}


def written_fields(mapping: Mapping) -> Iterator[tuple[str, str, WriteField]]:
    """Walk the fields that scores go to: object, key in the mapping file, specification.

    People's are on every object read as people, accounts' likewise.
    """
    for role, table in _TABLES:
        targets = [target for target in mapping.write.targets if target.role == role]
        for name in mapping.objects(table):
            for target in targets:
                yield from ((name, f"{target.key}.{key}", spec) for key, spec in target.specs.items())


def new_fields(mapping: Mapping) -> tuple[NewField, ...]:
    """List every custom field written to or asked of people, for `provision` to create; keys are unique."""
    fields = [_new_field(name, spec) for name, _, spec in written_fields(mapping) if creatable(mapping, spec)]
    feedback = mapping.feedback
    if feedback is not None and _CUSTOM_NAMES[mapping.crm].match(feedback.field):
        fields += [_feedback_field(name, feedback) for name in mapping.objects("people")]
    task = mapping.write.task
    if task is not None and task.unique_field is not None:
        fields.append(
            NewField(
                object=task.object,
                name=task.unique_field,
                label=KEY_LABEL,
                kind="text",
                description=KEY_DESCRIPTION,
                help=KEY_HELP,
                length=_KEY_LENGTH,
                unique=True,
            )
        )
    create = mapping.creates
    if create is not None and not create.key_is_email:
        key = NewField(create.object, create.key_field, KEY_LABEL, "text", CREATED_DESCRIPTION, _KEY_LENGTH)
        fields.append(replace(key, unique=True, help=CREATED_HELP))
    return tuple(fields)


def _feedback_field(name: str, feedback: FeedbackField) -> NewField:
    return NewField(
        object=name,
        name=feedback.field,
        label="Leadlight feedback",
        kind="option",
        description=FEEDBACK_DESCRIPTION,
        options=feedback.options,
        help=FEEDBACK_HELP,
        by_people=True,
    )


def creatable(mapping: Mapping, spec: WriteField) -> bool:
    """Tell whether `provision` may create the field: one that is written, with a name the vendor lets us choose."""
    return spec.policy != "never" and _CUSTOM_NAMES[mapping.crm].match(spec.field) is not None


def _new_field(name: str, spec: WriteField) -> NewField:
    return NewField(
        object=name,
        name=spec.field,
        label=spec.label or f"Leadlight {LABELS[spec.from_]}",
        kind=spec.kind,
        description=spec.description or DESCRIPTIONS[spec.from_],
        help=spec.help or HELP[spec.from_],
        length=spec.length,
        scale=spec.decimals if spec.kind == "number" else 0,
    )


def render(spec: WriteField | TaskField, value: Value) -> JsonScalar:
    """Turn a result into what is sent: null clears; times as ISO 8601 UTC with Z, which both vendors read.

    Numbers are rounded half away from zero (whole ones become integers, NaN and infinity null); text longer than
    max_length is cut at a word with `…`.
    """
    if isinstance(spec, TaskField):
        return _render_task(spec, value)
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, str):
        return shorten(value, spec.max_length)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round_half_away(value, spec.decimals)
    return value


def _render_task(spec: TaskField, value: Value) -> JsonScalar:
    if spec.kind != "text" and value is not None:
        return _moment_text(value, spec.kind)
    if isinstance(value, datetime):
        return _iso(value)
    if not isinstance(value, str):
        return value
    renamed = {word.lower(): theirs for word, theirs in spec.values.items()}.get(value.lower(), value)
    return shorten(renamed, spec.max_length)


def _iso(moment: datetime) -> str:
    """Write UTC in whole seconds, floored; a moment without a zone is UTC."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def round_half_away(value: float, decimals: int) -> int | float | None:
    """Round as people do on paper: by the shortest decimal form, halves away from zero; null for NaN and infinity.

    >>> round_half_away(2.675, 2), round_half_away(-0.5, 0), round_half_away(0.4, 0)
    (2.68, -1, 0)
    """
    exact = Decimal(repr(value))
    if not exact.is_finite():
        return None
    if exact.adjusted() >= _LARGEST_DIGITS:
        return value
    rounded = exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return int(rounded) if decimals == 0 else float(rounded) + 0.0


def shorten(text: str, max_length: int | None) -> str:
    """Cut at the last word that fits and say so with `…`; a single long word is cut inside.

    >>> shorten("pricing page visited", 14)
    'pricing page…'
    """
    if max_length is None or len(text) <= max_length:
        return text
    room = text[: max_length - 1]
    words = room if text[max_length - 1].isspace() else room.rpartition(" ")[0]
    return f"{words.rstrip(' ,;·') or room}…"


def differs(spec: WriteField | TaskField, current: Value, wanted: JsonScalar) -> bool:
    """Tell whether a rendered value is worth sending over what the CRM holds.

    Numbers differ by min_delta or more (default one unit of `round`; 0: by anything), times by whole seconds, text by
    any character; null and blank text are the same.
    """
    held, new = _known(current), _known(wanted)
    if held is None or new is None:
        return held is not new
    if isinstance(spec, WriteField) and spec.kind == "number":
        return _number_differs(spec, held, new)
    if spec.kind in ("date", "datetime"):
        return _moment_text(held, spec.kind) != _moment_text(new, spec.kind)
    return str(held) != str(new)


def _known(value: Value) -> Value:
    return None if value is None or value != value or (isinstance(value, str) and not value.strip()) else value


def _number_differs(spec: WriteField, current: Value, wanted: Value) -> bool:
    try:
        apart = abs(Decimal(str(current)) - Decimal(str(wanted)))
    except ArithmeticError:
        return True
    least = Decimal(1).scaleb(-spec.decimals) if spec.min_delta is None else Decimal(repr(spec.min_delta))
    return apart > 0 and apart >= least


def _moment_text(value: Value, kind: str) -> str:
    """Bring a time to one form: a datetime, ISO text, or epoch milliseconds as HubSpot sends some."""
    if isinstance(value, str) and not value.isdigit():
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    elif not isinstance(value, datetime):
        value = datetime.fromtimestamp(int(value or 0) // 1000, UTC)
    return _iso(value)[:10] if kind == "date" else _iso(value)


__all__ = ["creatable", "differs", "new_fields", "render", "round_half_away", "shorten", "written_fields"]
