"""What a band means in the CRM: the words and the deadline of a task, the key of an effect."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connector.acting.safe_text import safe_text
from connector.hours import Calendar, add_days, add_weeks, add_working

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_ADDRESS = re.compile(r"https://[^\s\"<>']+")
SAMPLE = {
    "name": "Ana Sample",
    "company": "Sample Ltd",
    "title": "Director",
    "band": "hot",
    "score": "72",
    "reasons": "",
    "owner": "Ben Sample",
    "model": "New business",
    "url": "https://crm.example/record/1",
    "role": "decision_maker",
}


@dataclass(frozen=True)
class TaskText:
    """Hold a rendered task."""

    subject: str
    body: str


def band_trigger(band: str, model_id: str | None = None) -> str:
    """Name the trigger of entering a band; null is the primary model, whose triggers bear no name of it."""
    return f"band:{band}" if model_id is None else f"{model_id}:band:{band}"


def rule_trigger(rule: str, model_id: str | None = None) -> str:
    """Name the trigger of an event that a rule is about; null as for bands."""
    return f"rule:{rule}" if model_id is None else f"{model_id}:rule:{rule}"


def step_key(crm: str, object: str, record_id: str, trigger: str, step: str, episode: int) -> str:  # noqa: A002 - as below
    """Derive the unique key of one more effect of an episode, such as its notice; the step is part of the trigger."""
    return task_key(crm, object, record_id, f"{trigger}:{step}", episode)


def task_key(crm: str, object: str, record_id: str, trigger: str, episode: int) -> str:  # noqa: A002 - the vendors' word
    """Derive the unique key of an episode's task: the same episode gives the same key on every machine.

    The parts are hashed, so that nothing of the record can be read from the key; 36 characters.
    """
    parts = (crm, object, record_id, trigger, str(episode))
    return "ll1-" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def parse_duration(text: str) -> timedelta:
    """Read a duration such as 1h or 2d; raises ValueError naming the text and the form."""
    match = re.fullmatch(r"(\d+)([smhdw])", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration; write a whole number and one of s, m, h, d, w, such as 1h")
    return timedelta(seconds=int(match[1]) * UNITS_S[match[2]])


def due_at(as_of: datetime, due: str, calendar: Calendar | None = None) -> datetime:
    """Give the deadline of what began at as_of; without a calendar, day and night count.

    Of a calendar, s, m and h are working time; d are working days, and w weeks, to the same time of the clock.
    """
    length = parse_duration(due)
    if calendar is None:
        return as_of + length
    match due.strip()[-1]:
        case "d":
            return add_days(calendar, as_of, length.days)
        case "w":
            return add_weeks(calendar, as_of, length.days // 7)
        case _:
            return add_working(calendar, as_of, length)


def render_task(
    subject: str, body: str, context: Mapping[str, Any], *, html_body: bool, playbook: Sequence[str] = ()
) -> TaskText:
    """Fill a task's templates; text from the CRM loses what does not show, and is escaped where the body is HTML.

    The lines of a playbook stand below the body. Raises jinja2.TemplateError for a template that is wrong or names
    something a task does not have.
    """
    words = {name: safe_text(value) if isinstance(value, str) else value for name, value in context.items()}
    inner = _environment(escape=html_body)
    parts = [inner.from_string(body).render(words).strip()]
    if playbook:
        lines = [inner.from_string(line).render(words).strip() for line in playbook]
        parts.append(_html_list(lines) if html_body else "\n".join(f"- {line}" for line in lines))
    return TaskText(
        " ".join(_environment(escape=False).from_string(subject).render(words).split()),
        "\n\n".join(part for part in parts if part),
    )


def fill_text(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template of plain text; raises jinja2.TemplateError as `render_task` does."""
    return _environment(escape=False).from_string(template).render(context).strip()


def template_problems(where: str, templates: Mapping[str, str]) -> list[str]:
    """Try templates on a sample person and name everything that is wrong with them."""
    problems = []
    for key, text in templates.items():
        try:
            _environment(escape=False).from_string(text).render(SAMPLE)
        except jinja2.TemplateError as error:
            problems.append(f"{where}.{key}: {error.message}; a task knows {', '.join(SAMPLE)}")
    return problems


def _html_list(lines: Sequence[str]) -> str:
    """Make a list of lines that are escaped already; one that is an address can be followed."""
    items = (f'<a href="{line}">{line}</a>' if _ADDRESS.fullmatch(line) else line for line in lines)
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _environment(*, escape: bool) -> jinja2.Environment:
    return ImmutableSandboxedEnvironment(autoescape=escape, undefined=jinja2.StrictUndefined)
