"""What provisioning makes, as the bodies of HubSpot's requests, for those whose token may not change properties."""

import json
from collections.abc import Sequence
from typing import Any

import jinja2

from connector.crm.administration import CallList
from connector.crm.hubspot import call_lists
from connector.crm.hubspot.provision import GROUP, definition, group_definition, type_of
from connector.crm.hubspot.scopes import needed_scopes, schema_scopes
from mappings.fields import NewField
from mappings.model import Mapping
from mappings.needs import needs_of
from mappings.write import new_fields


def definition_files(mapping: Mapping, lists: Sequence[CallList]) -> dict[str, str]:
    """Write every body by its path, and the steps in README.md; the same mapping gives the same bytes."""
    fields = new_fields(mapping)
    files: dict[str, str] = {}
    for object_type in dict.fromkeys(field.object for field in fields):
        files[f"properties/{object_type}/_group.json"] = _json(group_definition())
    files |= {f"properties/{field.object}/{field.name}.json": _json(definition(field)) for field in fields}
    known = [made for made in lists if made.object in call_lists.TYPE_IDS]
    files |= {_list_path(made): _json(call_lists.definition(made)) for made in known}
    files["README.md"] = _readme(mapping, fields, known)
    return files


def _list_path(made: CallList) -> str:
    return f"lists/{made.object}{f'_{made.model}' if made.model else ''}.json"


def _readme(mapping: Mapping, fields: Sequence[NewField], lists: Sequence[CallList]) -> str:
    environment = jinja2.Environment(  # noqa: S701 - Markdown, not a page
        loader=jinja2.PackageLoader("connector", "templates"), undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    needs = needs_of(mapping)
    return (
        environment.get_template("hubspot_setup.md.j2").render(
            group=GROUP,
            objects=list(dict.fromkeys(field.object for field in fields)),
            fields=[(f"{field.object}.{field.name}", type_of(field), field.label) for field in fields],
            lists=[(made, _list_path(made)) for made in lists],
            scopes=list(needed_scopes(needs)),
            once=schema_scopes(needs),
        )
        + "\n"
    )


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"
