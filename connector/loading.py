"""Reads a configuration with the models and the mapping that it names."""

from collections.abc import Mapping
from pathlib import Path

from connector.acting.configured import join_problems, state_problems, wording_problems
from connector.allowed import allowed_mapping, signal_problems
from connector.enrichment.checks import enrichment_problems
from connector.errors import ConfigError
from connector.feeds.checks import feed_problems
from connector.models import Models, load_models
from connector.prospects.checks import create_problems, creating
from connector.routing.checks import route_problems
from connector.settings.file import Settings, load_settings
from connector.sla.checks import sla_problems
from mappings.lists import load_lists, open_lists
from mappings.loader import MappingError, load_mapping
from mappings.model import Mapping as CrmMapping
from mappings.naming import bind_models
from scoring.model import AS_NAMED
from scoring.predict.artefact import TableModel


def load_parts(config: Path, tables: Mapping[str, TableModel] | None = AS_NAMED) -> tuple[Settings, Models, CrmMapping]:
    """Read configuration, models and mapping; raises ConfigError with the problems of all of them.

    tables are trained models in place of the files that models name, by model; null: the rules of all models alone.
    """
    settings = load_settings(config)
    problems: list[str] = []
    models = mapping = None
    lists = open_lists(settings.lists.folder)
    try:
        models = load_models(
            [(_beside(config, model.file), model.fields) for model in settings.model], load_lists(lists.folder), tables
        )
    except ConfigError as error:
        problems += error.problems
    try:
        mapping = load_mapping(_beside(config, settings.crm.mapping), lists)
    except MappingError as error:
        problems += error.problems
    if models is None or mapping is None:
        raise ConfigError(problems)
    problems += [*wording_problems(settings, models), *join_problems(settings)]
    problems += state_problems(settings, models, mapping)
    problems += sla_problems(settings, models)
    problems += route_problems(settings, models, mapping)
    problems += [*feed_problems(settings), *create_problems(settings, mapping)]
    mapping = creating(settings, mapping)
    mapping, unallowed = allowed_mapping(mapping, settings.signals)
    problems += [*unallowed, *signal_problems(models, settings.signals)]
    mapping, misfits = bind_models(mapping, [line.use for line in models.lines])
    problems += [*misfits, *enrichment_problems(settings, mapping)]
    if mapping.crm != settings.crm.kind:
        problems.append(f"crm.mapping: {settings.crm.mapping} is for {mapping.crm}, the CRM is {settings.crm.kind}")
    if problems:
        raise ConfigError(problems)
    return settings, models, mapping


def _beside(config: Path, name: str) -> str:
    """Find a file named in the configuration: packaged names and presets as they are, paths beside the file."""
    if name.startswith("preset:") or name in ("salesforce", "hubspot") or Path(name).is_absolute():
        return name
    return str(config.parent / name)


__all__ = ["load_parts", "wording_problems"]
