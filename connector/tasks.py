"""A task of a plan as a write: words, deadline and links in the CRM's own fields."""

from collections.abc import Mapping
from typing import Any

from connector.actions import render_task
from connector.crm.base import JsonScalar, Write
from connector.plan import TaskChange
from connector.settings_acting import TaskAction
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
    return Write(target.object, fields, key=(target.key_field, change.key), links=tuple(links))
