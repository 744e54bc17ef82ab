"""What is wrong with the [[sla]] of a configuration, held against its models and actions."""

from collections.abc import Iterator

from connector.models import Models
from connector.settings.file import Settings
from connector.settings.sla import TASK_TOUCH, SlaSettings
from scoring.names import nearest
from scoring.schema import EVENT_TYPES


def sla_problems(settings: Settings, models: Models) -> Iterator[str]:
    """Check that every [[sla]] is for a band of people that an action is for, and that its kinds of touches exist."""
    acted_on = {(action.model or models.people.id, action.band) for action in settings.action if action.band}
    people = {line.model.id for line in models.of("person")}
    own = {name for line in models.of("person") for name in line.model.spec.events.custom}
    known = sorted({*EVENT_TYPES, *own, TASK_TOUCH})
    for sla in settings.sla:
        yield from _band_problems(sla, sla.model or models.people.id, people, acted_on)
        for name in sla.touched_by:
            if name not in known:
                yield f"sla.{sla.band}.touched_by: no event type {name!r}{nearest(name, known)}"


def _band_problems(sla: SlaSettings, model: str, people: set[str], acted_on: set[tuple[str, str]]) -> Iterator[str]:
    if model not in people:
        yield f"sla.{sla.band}: {model} is no [[model]] of people{nearest(model, sorted(people))}"
    elif (model, sla.band) not in acted_on:
        bands = ", ".join(sorted(band for of, band in acted_on if of == model)) or "none"
        yield f"sla.{sla.band}: no [[action]] is for this band of model {model}; there is: {bands}"
