"""Reads a configuration with the models and the mapping that it names."""

from pathlib import Path

from connector.actions import template_problems
from connector.errors import ConfigError
from connector.models import Models, load_models
from connector.routing.checks import route_problems
from connector.settings import Settings, load_settings
from connector.settings_acting import Action
from mappings.lists import load_lists
from mappings.loader import MappingError, load_mapping
from mappings.model import Mapping as CrmMapping
from mappings.naming import bind_models
from scoring.names import nearest


def load_parts(config: Path) -> tuple[Settings, Models, CrmMapping]:
    """Read configuration, models and mapping; raises ConfigError with the problems of all of them."""
    settings = load_settings(config)
    problems: list[str] = []
    models = mapping = None
    try:
        models = load_models(
            [(_beside(config, model.file), model.fields) for model in settings.model], load_lists(None)
        )
    except ConfigError as error:
        problems += error.problems
    try:
        mapping = load_mapping(_beside(config, settings.crm.mapping))
    except MappingError as error:
        problems += error.problems
    if models is None or mapping is None:
        raise ConfigError(problems)
    problems += wording_problems(settings, models)
    problems += route_problems(settings, models, mapping)
    mapping, misfits = bind_models(mapping, [line.use for line in models.lines])
    problems += misfits
    if mapping.crm != settings.crm.kind:
        problems.append(f"crm.mapping: {settings.crm.mapping} is for {mapping.crm}, the CRM is {settings.crm.kind}")
    if problems:
        raise ConfigError(problems)
    return settings, models, mapping


def wording_problems(settings: Settings, models: Models) -> list[str]:
    """Check that actions name a model of people and bands of it, each once, and that their templates fill."""
    problems: list[str] = []
    taken: set[tuple[str, str]] = set()
    for action in settings.action:
        named = (action.model or models.people.id, action.band)
        problems += _action_problems(action, models)
        if named in taken:
            problems.append(f"action.{action.band}: another [[action]] is for this band of model {named[0]}")
        taken.add(named)
        if action.task:
            words = {"subject": action.task.subject, "body": action.task.body}
            problems += template_problems(f"action.{action.band}.task", words)
    return problems


def _action_problems(action: Action, models: Models) -> list[str]:
    """Say what is wrong with the model and band that an action names; without a model it is the primary one's."""
    people = {line.model.id: line.model for line in models.of("person")}
    where = f"action.{action.band}"
    if action.model is not None and action.model not in people:
        if any(line.model.id == action.model for line in models.of("account")):
            return [f"{where}: model {action.model} scores accounts; owners and tasks are for people's bands"]
        return [f"{where}: no [[model]] has the id {action.model!r}{nearest(action.model, people)}"]
    model = people[action.model] if action.model else models.people
    bands = [band.id for band in model.bands]
    if action.band in bands:
        return []
    elsewhere = [other.id for other in people.values() if any(band.id == action.band for band in other.bands)]
    hint = f"; model {elsewhere[0]} has: set model = {elsewhere[0]!r}" if elsewhere else ""
    return [f"{where}: model {model.id} has no such band; it has {', '.join(bands)}{hint}"]


def _beside(config: Path, name: str) -> str:
    """Find a file named in the configuration: packaged names and presets as they are, paths beside the file."""
    if name.startswith("preset:") or name in ("salesforce", "hubspot") or Path(name).is_absolute():
        return name
    return str(config.parent / name)
