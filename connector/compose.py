"""The composition root's parts: from a configuration file to a job that can run."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from connector.acting.notify import require_channels
from connector.budget import allowance
from connector.crm.base import Connection, Crm
from connector.crm.registry import connect
from connector.engine.duckdb import open_engine
from connector.fitting import fit
from connector.job import Job, Progress, Silent
from connector.loading import load_parts, wording_problems
from connector.models import Models
from connector.settings.file import Settings
from connector.store.lake import Lake
from connector.store.lock import hold
from connector.store.state import open_state
from mappings.check import objects_to_describe
from mappings.fields import ObjectInfo
from mappings.model import Mapping as CrmMapping
from scoring.model import AS_NAMED
from scoring.predict.artefact import TableModel


@contextmanager
def open_job(
    config: Path,
    *,
    writer: bool,
    writes_crm: bool = False,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    tables: Mapping[str, TableModel] = AS_NAMED,
) -> Iterator[Job]:
    """Open everything a run needs; writer holds the store's lock. Nothing is written to the CRM here.

    writes_crm: the run will write to the CRM, so that every field of ours must exist. tables: as `load_parts` has it.

    Raises ConfigError with every problem of mapping and model against what the CRM really has; what fitted before and
    does no longer is switched off instead (`fit`).
    """
    settings, models, mapping = load_parts(config, tables)
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
    with closing(open_state(folder)) as state, open_engine(settings.store.memory_limit_mb, folder / "spill") as duck:
        fitted = fit(state, models, mapping, describes, crm.refused, writes_crm=writes_crm, enriched=settings.enrich)
        yield Job(
            settings=settings,
            models=models,
            mapping=fitted.mapping,
            folder=folder,
            state=state,
            lake=Lake(folder, state, memory_limit_mb=settings.store.memory_limit_mb, session=duck),
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
            switched_off=list(fitted.switched_off),
        )


def describe_all(crm: Crm, mapping: CrmMapping) -> dict[str, ObjectInfo | None]:
    """Describe every object that is read or written, each once."""
    return dict(crm.describe_many(objects_to_describe(mapping)))


__all__ = ["describe_all", "load_parts", "open_job", "wording_problems"]
