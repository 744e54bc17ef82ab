"""A task of a plan as a write: words, deadline and links in the CRM's own fields."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.acting.actions import render_task
from connector.crm.base import JsonScalar, Marker, Write
from connector.plan import TaskChange
from connector.settings.acting import TaskAction
from mappings.model import ASSOCIATIONS, TaskTarget
from mappings.write import render


def task_write(
    target: TaskTarget,
    change: TaskChange,
    action: TaskAction,
    context: Mapping[str, Any],
    *,
    html_body: bool,
    account_link: bool,
) -> Write:
    """Build the write that makes a task; account_link is false where the CRM refuses one beside this person.

    A part that the mapping does not name is not sent. Raises jinja2.TemplateError for a template that is wrong.
    """
    text = render_task(action.subject, action.body, context, html_body=html_body, playbook=action.playbook)
    parts: dict[str, JsonScalar] = {
        "subject": text.subject,
        "body": text.body,
        "due": change.due_at,
        "priority": action.priority,
        "owner": change.owner_id,
        "person": change.person[1] if change.person else None,
        "account": change.account_id if account_link else None,
    }
    fields: dict[str, JsonScalar] = dict(target.constants)
    links: list[tuple[str, str]] = []
    for part, spec in target.fields.items():
        value = parts[part]
        if value is None:
            continue
        if spec.field.startswith(ASSOCIATIONS):
            links.append((spec.field.removeprefix(ASSOCIATIONS), str(value)))
        else:
            fields[spec.field] = render(spec, value)
    if target.unique_field is not None:
        return Write(target.object, fields, key=(target.unique_field, change.key), links=tuple(links))
    return _marked(target, change, Write(target.object, fields, links=tuple(links)), html_body=html_body)


def _marked(target: TaskTarget, change: TaskChange, write: Write, *, html_body: bool) -> Write:
    """Put the key as a mark at the end of the body, by which the task is found among those of its record."""
    spec, mark = target.fields["body"], f"[ll:{change.key}]"
    last = f"<p>{mark}</p>" if html_body else f"\n\n{mark}"
    room = None if spec.max_length is None else spec.max_length - len(last)
    body = str(render(spec.model_copy(update={"max_length": room}), str(write.fields.get(spec.field) or "")))
    link, record_id = _held_by(target, write)
    marker = Marker(mark, spec.field, link, record_id)
    return replace(write, fields={**write.fields, spec.field: (body + last).strip()}, marker=marker)


def _held_by(target: TaskTarget, write: Write) -> tuple[str, str]:
    """Find the record that a task hangs on: its person, else its account."""
    parts = [spec.field for part in ("person", "account") if (spec := target.fields.get(part)) is not None]
    held = {**{f"{ASSOCIATIONS}{name}": record_id for name, record_id in write.links}, **write.fields}
    field = next(field for field in parts if held.get(field))
    return field.removeprefix(ASSOCIATIONS), str(held[field])
