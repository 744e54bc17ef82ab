"""Training when it is due: what the daemon runs beside its syncs, and `leadlight train --if-due` anywhere else."""

from dataclasses import replace
from pathlib import Path

import structlog

from connector import log
from connector.commands.drift import trained
from connector.commands.training import REFUSED, TrainOptions, on_store
from connector.enrichment.due import DueQuery
from connector.enrichment.due import due as attributes_due
from connector.errors import ConfigError, LeadlightError
from connector.output import Output
from connector.reading import Reading, open_reading
from connector.trained.moved import named
from connector.training import drift_told, due
from connector.training.drift import measure
from connector.training.due import Attempt, Looked
from connector.training.facts import open_facts
from connector.training.store import newest_pull, past_of, stored_facts

events = structlog.get_logger()


def train_if_due(out: Output, config: Path, options: TrainOptions) -> int:
    """Train the model of a configuration if it is due; exit code 0 also where it is not, 4 where it was refused.

    What comes of it is told by `status`, an error too; a training that fails changes nothing.
    """
    with open_reading(config) as reading:
        log.configure(reading.settings.log.level, reading.settings.log.format, reading.settings.secrets())
        model_id = named(reading.models, options.model)
        try:
            looked = _looked(reading, config, model_id, options)
        except LeadlightError as error:
            due.could_not_look(reading.state, model_id, error.message)
            raise
        if not looked.due:
            out.result({**looked.as_dict(), "trained": None}, list(looked.lines()))
            return 0
        attempt = due.begin(reading.state, looked)
        try:
            attempt = _train(config, replace(options, model=model_id), attempt)
        except LeadlightError as error:
            attempt = replace(attempt, ended="failed", why_not=tuple(error.message.splitlines()))
            raise
        finally:
            looked = due.end(reading.state, looked, attempt)
    out.result({**looked.as_dict(), "trained": attempt.version}, list(looked.lines()))
    return REFUSED if attempt.ended == "refused" else 0


def _looked(reading: Reading, config: Path, model_id: str, options: TrainOptions) -> Looked:
    """Measure a model as of the newest pull, and say whether it is due."""
    table = trained(reading.models).get(model_id)
    if table is None:
        raise ConfigError(
            f"model {model_id} has no trained version to be trained again: the first one is `leadlight train --config "
            f"{config}`, and a person puts it in use"
        )
    at = options.as_of or newest_pull(reading)
    with reading.engine() as engine:
        facts = open_facts(engine, stored_facts(reading, at), at, past_of(reading, config))
        measured = measure(engine, facts, table)
        old = attributes_due(engine, DueQuery(reading.lake, reading.settings, reading.models, at), limit=1)[0]
    drift_told.keep(reading.state, drift_told.as_dict(model_id, measured, facts))
    for alarm in measured.drift.alarms:
        events.warning("trained model fits no more", model=model_id, version=table.version, why=alarm)
    return due.look(reading.state, model_id, measured, at, reading.settings.train, attributes_due=old)


def _train(config: Path, options: TrainOptions, attempt: Attempt) -> Attempt:
    result, considered = on_store(config, options, keep=True)
    if result.model is None or considered is None:
        return replace(attempt, ended="refused", why_not=tuple(result.told["refused_because"]))
    return replace(attempt, ended=considered.state, version=result.model.version, why_not=considered.why)
