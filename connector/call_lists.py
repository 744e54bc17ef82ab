"""Which lists reps should find ready in the CRM: for each model and object, those of the bands that mean something."""

from collections.abc import Iterator

from connector.crm.administration import CallList
from connector.models import Line, Models
from connector.settings.file import Settings
from mappings.model import CanonicalName, Mapping, Role
from mappings.targets import ResultName

TABLES: dict[Role, CanonicalName] = {"person": "people", "account": "accounts"}
SHOWN: tuple[ResultName, ...] = ("priority", "band", "total", "reasons")


def call_lists(settings: Settings, models: Models, mapping: Mapping) -> list[CallList]:
    """List what should be there; a model whose band or object is not written has no list."""
    return [made for line in models.lines for made in _of_line(settings, models, mapping, line)]


def _of_line(settings: Settings, models: Models, mapping: Mapping, line: Line) -> Iterator[CallList]:
    specs = mapping.write.specs(line.role, line.id).values()
    fields = {spec.from_: spec.field for spec in specs if spec.policy != "never"}
    if "band" not in fields:
        return
    columns = tuple(fields[name] for name in SHOWN if name in fields)
    for name in mapping.objects(TABLES[line.role]):
        yield CallList(
            object=name,
            model=line.id,
            band=fields["band"],
            bands=_bands(settings, models, line),
            priority=fields.get("priority"),
            columns=columns,
        )


def _bands(settings: Settings, models: Models, line: Line) -> tuple[str, ...]:
    """Name the bands with an action, else the best one; an action that names no model is the first one of people's."""
    acting = {action.band for action in settings.action if (action.model or models.people.id) == line.model.id}
    own = [band.id for band in line.model.bands]
    return tuple(band for band in own if band in acting) or tuple(own[:1])
