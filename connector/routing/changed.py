"""Another table of rules and pools in place of the configured one, to be tried before it is used."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError

from connector.errors import ConfigError
from connector.models import Models
from connector.routing.checks import route_problems
from connector.settings.acting import Action, OwnerAction
from connector.settings.checks import readable
from connector.settings.file import Settings
from connector.settings.hours import HoursSettings
from connector.settings.routing import PoolSettings, RouteSettings
from connector.settings.routing_checks import routing_problems
from connector.settings.table import Table
from mappings.model import Mapping as CrmMapping

PARTS = ("action", "route", "pool", "hours")


class RoutingFile(Table):
    """The tables of a file that say who gets a record; its others are passed over."""

    model_config = ConfigDict(extra="ignore")

    action: tuple[Action, ...] | None = None
    route: tuple[RouteSettings, ...] | None = None
    pool: tuple[PoolSettings, ...] | None = None
    hours: tuple[HoursSettings, ...] | None = None


def with_routing(settings: Settings, file: Path, models: Models, mapping: CrmMapping) -> Settings:
    """Put a file's [[route]], [[pool]], [[hours]] and [[action]] in place of the configured ones, each as a whole.

    Where it has rules and no actions, every action that names an owner goes by the rules. Raises ConfigError with every
    problem of the file.
    """
    raw = _read(file)
    try:
        found = RoutingFile(**{name: raw[name] for name in PARTS if name in raw})
    except ValidationError as error:
        raise ConfigError(readable(error, file.name, {}, RoutingFile)) from None
    parts: dict[str, Any] = {name: value for name in PARTS if (value := getattr(found, name)) is not None}
    if found.route and found.action is None:
        parts["action"] = tuple(_by_rules(action) for action in settings.action)
    changed = settings.model_copy(update=parts)
    shown = changed.model_dump(mode="json", include=set(PARTS), by_alias=True, exclude_none=True)
    problems = [*routing_problems(shown), *route_problems(changed, models, mapping)]
    if problems:
        raise ConfigError([f"{file.name}: {problem}" for problem in problems])
    return changed


def _by_rules(action: Action) -> Action:
    return action if action.owner is None else action.model_copy(update={"owner": OwnerAction(route=True)})


def _read(file: Path) -> Mapping[str, Any]:
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file}: is not a file of TOML tables: {error}") from None
    if not {*raw} & {*PARTS}:
        raise ConfigError(f"{file}: has none of {', '.join(f'[[{name}]]' for name in PARTS)}")
    return raw
