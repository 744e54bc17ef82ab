"""Making our own fields in the CRM: what would be done, doing it, or the same as files for an administrator."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.call_lists import call_lists
from connector.crm.administration import AdministeredCrm, CallList, Step
from connector.crm.registry import connect, setup_files
from connector.errors import AuthError, ConfigError
from connector.loading import load_parts
from mappings.fields import NewField
from mappings.write import new_fields


@dataclass(frozen=True)
class Setup:
    """Hold a CRM, the fields and lists it should have, and what making sure of them takes."""

    crm: AdministeredCrm
    fields: tuple[NewField, ...]
    lists: tuple[CallList, ...]
    steps: tuple[Step, ...]

    @property
    def changes(self) -> list[Step]:
        """List what is to be done."""
        return [step for step in self.steps if step.action not in ("keep", "by hand")]

    @property
    def by_hand(self) -> list[Step]:
        """List what is left to an administrator."""
        return [step for step in self.steps if step.action == "by hand"]


@dataclass(frozen=True)
class Provisioned:
    """Say what was done: fields created and found, both as Object.field, and every step."""

    created: Sequence[str]
    existing: Sequence[str]
    steps: Sequence[Step]

    def as_dict(self) -> dict[str, Any]:
        """Give the result as the command line's JSON has it."""
        named = {"change": "changed", "grant": "granted"}
        told = {key: [step.target for step in self.steps if step.action == action] for action, key in named.items()}
        steps = [step.as_dict() for step in self.steps]
        return {"created": list(self.created), "existing": list(self.existing), **told, "steps": steps}


def prepare(config: Path) -> Setup:
    """Find out what has to be done; reads only. Raises ConfigError where a field that exists cannot serve."""
    settings, models, mapping = load_parts(config)
    settings.crm.require_credentials()
    crm = connect(settings)
    crm.check()
    fields, lists = new_fields(mapping), tuple(call_lists(settings, models, mapping))
    return Setup(crm, fields, lists, tuple(crm.plan_provision(fields, lists)))


def carry_out(setup: Setup) -> Provisioned:
    """Create and grant what is missing."""
    created, existing = setup.crm.provision(setup.fields)
    try:
        setup.crm.share(setup.fields, setup.lists)
    except AuthError as error:
        done = "the fields are there, but people cannot be shown them yet"
        raise AuthError(f"{done}: {error.message}; or let an administrator deploy `provision --files`") from None
    return Provisioned(created, existing, setup.steps)


def write_files(config: Path, folder: Path, *, overwrite: bool) -> list[str]:
    """Write what an administrator needs to make everything by hand; returns the paths below the folder.

    Asks the CRM nothing. Raises ConfigError where files are there that differ, unless they may be overwritten.
    """
    settings, models, mapping = load_parts(config)
    wanted = setup_files(mapping, call_lists(settings, models, mapping), settings.crm.api_version)
    paths = {folder / name: text for name, text in sorted(wanted.items())}
    differing = [path for path, text in paths.items() if path.exists() and path.read_text(encoding="utf-8") != text]
    if differing and not overwrite:
        raise ConfigError([f"{path}: is there and differs; pass --yes to overwrite it" for path in differing])
    for path, text in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(wanted)


def provision(config: Path) -> tuple[list[str], list[str]]:
    """Create the fields that the mapping writes, with access for our user; returns (created, existing)."""
    done = carry_out(prepare(config))
    return list(done.created), list(done.existing)


def planned_fields(config: Path) -> list[str]:
    """List the fields that `provision` would make sure of, as Object.field."""
    _, _, mapping = load_parts(config)
    return [f"{field.object}.{field.name}" for field in new_fields(mapping)]
