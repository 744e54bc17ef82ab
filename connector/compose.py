"""The composition root's parts: from a configuration file to a job that can run."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from connector.budget import allowance
from connector.crm.base import Connection, Crm
from connector.crm.registry import connect
from connector.engine.duckdb import open_engine
from connector.errors import AuthError, ConfigError
from connector.job import Job, Progress, Silent
from connector.loading import load_parts, wording_problems
from connector.models import Models
from connector.notify import require_channels
from connector.settings import Settings
from connector.store.lake import Lake
from connector.store.lock import hold
from connector.store.state import open_state
from mappings.check import check_mapping, objects_to_describe, prune
from mappings.fields import ObjectInfo
from mappings.model import Mapping as CrmMapping
from scoring.model import check_known
from scoring.schema import EVENT_TYPES, TABLES


@contextmanager
def open_job(
    config: Path,
    *,
    writer: bool,
    writes_crm: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Job]:
    """Open everything a run needs; writer holds the store's lock. Nothing is written to the CRM here.

    writes_crm: the run will write to the CRM, so that every field of ours must exist.

    Raises ConfigError with every problem of mapping and model against what the CRM really has.
    """
    settings, models, mapping = load_parts(config)
    settings.crm.require_credentials()
    require_channels(settings)
    folder = Path(settings.store.path)
    crm = connect(settings)
    connection = crm.check()
    if writer:
        with (
            hold(folder),
            _job(settings, models, mapping, folder, crm, connection, progress, stop, writes_crm=writes_crm) as job,
        ):
            job.lake.sweep()
            yield job
    else:
        with _job(settings, models, mapping, folder, crm, connection, progress, stop, writes_crm=writes_crm) as job:
            yield job


@contextmanager
def _job(
    settings: Settings,
    models: Models,
    mapping: CrmMapping,
    folder: Path,
    crm: Crm,
    connection: Connection,
    progress: Progress | None,
    stop: threading.Event | None,
    *,
    writes_crm: bool,
) -> Iterator[Job]:
    describes = describe_all(crm, mapping)
    fitted = prune(mapping, describes)
    refuse_misfits(models, fitted, describes, crm.refused, writes_crm=writes_crm)
    with closing(open_state(folder)) as state, open_engine(settings.store.memory_limit_mb, folder / "spill") as duck:
        yield Job(
            settings=settings,
            models=models,
            mapping=fitted,
            folder=folder,
            state=state,
            lake=Lake(folder, state, memory_limit_mb=settings.store.memory_limit_mb),
            crm=crm,
            connection=connection,
            owners=tuple(crm.owners()),
            allowed_calls=allowance(
                state, connection, settings.limits.daily_api_share, settings.limits.daily_api_reserve_share
            ),
            describes={name: info for name, info in describes.items() if info is not None},
            duck=duck,
            progress=progress or Silent(),
            stop=stop or threading.Event(),
        )


def describe_all(crm: Crm, mapping: CrmMapping) -> dict[str, ObjectInfo | None]:
    """Describe every object that is read or written, each once."""
    return {name: crm.describe(name) for name in objects_to_describe(mapping)}


def refuse_misfits(
    models: Models,
    mapping: CrmMapping,
    describes: Mapping[str, ObjectInfo | None],
    refused: Mapping[str, str],
    *,
    writes_crm: bool,
) -> None:
    """Raise ConfigError where the mapping does not fit the CRM, or the model asks for what the mapping does not give.

    Raises AuthError where a right is missing that the vendor named (object to right, as `Crm.refused` has it). Fields
    of ours that are not provisioned yet are a problem only for a run that writes.
    """
    problems = [*check_mapping(mapping, describes, new_fields_ok=not writes_crm), *model_problems(models, mapping)]
    missing = [right for name, right in refused.items() if name in mapping.read and not mapping.read[name].optional]
    if missing:
        raise AuthError("\n".join([*missing, *problems]))
    if problems:
        raise ConfigError(problems)


def model_problems(models: Models, mapping: CrmMapping) -> list[str]:
    """Name the fields of the models that no pulled table has; event types are open, since data may bring new ones."""
    people = _columns(mapping, "people") | set(TABLES["people"].columns)
    accounts = _columns(mapping, "accounts") | set(TABLES["accounts"].columns)
    known = frozenset({*people, "email_domain", *(f"account.{name}" for name in people | accounts)})
    problems: list[str] = []
    for model in models.known():
        events = frozenset(EVENT_TYPES) | frozenset(model.spec.events.custom)
        own = known | accounts if model.spec.model.subject == "account" else known
        problems += check_known(model, own, events)
    return list(dict.fromkeys(problems))


def _columns(mapping: CrmMapping, table: str) -> set[str]:
    return {name for read in mapping.read.values() if read.table == table for name in read.columns()}


__all__ = ["describe_all", "load_parts", "model_problems", "open_job", "refuse_misfits", "wording_problems"]
