"""What becomes of a model that was trained: it waits for somebody's word, or takes its place within a bound."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog

from connector.engine.difference import Moves
from connector.errors import ConfigError, Locked, StoreError
from connector.reading import Reading
from connector.settings.training import AutoPublish
from connector.store import versions
from connector.store.lock import hold
from connector.trained.moved import Change, change_of, moves_by, moves_share
from connector.trained.switch import Word, is_applied, switch
from scoring.predict.artefact import TableModel

log = structlog.get_logger()
WAIT_S: Final = 600.0  # for a run that is at work
AUC_NOISE: Final = 0.02  # of two holdouts: a difference below it means nothing
GAIN_NOISE: Final = 0.01  # of the log loss, as a share of what knowing the rate alone loses


@dataclass(frozen=True)
class Considered:
    """Tell what became of a trained model: state is that of the store, why says why it waits, moves who would move."""

    model_id: str
    version: str
    state: versions.State
    why: tuple[str, ...] = ()
    moves: Moves | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give it as the command line's JSON has it."""
        share = round(moves_share(self.moves), 6) if self.moves else None
        return {"model": self.model_id, "state": self.state, "waits_because": list(self.why), "moves_share": share}


def consider(config: Path, reading: Reading, model_id: str, table: TableModel) -> Considered:
    """Keep a trained model as the candidate of a model; put it in use where `train.auto_publish` allows it.

    The file that scores is never changed but within that bound. Takes the store's writer lock for that, so the caller
    must not hold it; waits for a run that is at work.
    """
    versions.keep(reading.state, model_id, table, made_at=datetime.now(UTC), by=versions.BY_TRAINING)
    found = versions.get(reading.state, model_id, table.version)
    bound = reading.settings.train.auto_publish
    if found is None or found.state != "candidate" or bound is None:
        return Considered(model_id, table.version, found.state if found else "candidate")
    try:
        change = change_of(config, model_id, table)
        found_moves = _moves(reading, change)
    except ConfigError as error:
        return _waits(reading, model_id, table, error.problems)
    why = tuple(_objections(change, found_moves, bound))
    if not is_applied(reading.state, change.old.model):
        why = (*why, "the rules changed since the last plan was applied, and a person has to accept that first")
    if why:
        return _waits(reading, model_id, table, why, found_moves)
    return _publish(reading, change, table, found_moves)


def _moves(reading: Reading, change: Change) -> Moves:
    with reading.engine() as engine:
        return moves_by(engine, reading, change, reading.scored_at())


def _publish(reading: Reading, change: Change, table: TableModel, found: Moves) -> Considered:
    share = moves_share(found)
    note = f"auto_publish: {share:.1%} of {found.compared:,} move band"
    try:
        with hold(reading.folder, wait_s=WAIT_S):
            switch(reading.state, change.old.model, change.new.model, Word(versions.BY_ITSELF, note, share))
    except (Locked, StoreError) as error:
        return _waits(reading, change.model_id, table, (error.message,), found)
    log.info("trained model put in use", model=change.model_id, version=table.version, note=note)
    return Considered(change.model_id, table.version, "in_use", (), found)


def _waits(
    reading: Reading, model_id: str, table: TableModel, why: tuple[str, ...], found: Moves | None = None
) -> Considered:
    versions.note_wait(reading.state, model_id, table.version, why)
    log.warning("trained model waits", model=model_id, version=table.version, why="; ".join(why))
    return Considered(model_id, table.version, "candidate", why, found)


def _objections(change: Change, found: Moves, bound: AutoPublish) -> Iterator[str]:
    """Say why a model may not take its place by itself."""
    old, new = change.old.model.table, change.new.model.table
    if old is None or new is None:
        yield "no version is in use yet, and the first one is put in use by a person"
        return
    yield from worse(old.card, new.card)
    share = moves_share(found)
    if not found.compared:
        yield "nobody is scored yet, so that nobody knows who would move"
    elif share > bound.max_band_moves_share:
        yield (
            f"{share:.1%} of {found.compared:,} would move band, train.auto_publish.max_band_moves_share is "
            f"{bound.max_band_moves_share:.1%}"
        )


def worse(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Say in what a model is worse than another by their cards; each was judged on the newest rows of its own time.

    Differences that two samples of the same world would have are none.
    """
    before, now = _figures(old), _figures(new)
    if before is None or now is None:
        yield "the version in use has no figures of a holdout to be held against"
        return
    if now[0] < before[0] - AUC_NOISE:
        yield f"holdout AUC among leads as old is {now[0]:.3f}, that of the version in use was {before[0]:.3f}"
    if now[1] < before[1] - GAIN_NOISE:
        saved = f"{now[1]:.1%} of the log loss of the rate alone"
        yield f"on its holdout it saves {saved}, the version in use saved {before[1]:.1%} on its own"


def _figures(card: Mapping[str, Any]) -> tuple[float, float] | None:
    """Take the AUC, and the share of the base's log loss that a model saves, from a card."""
    holdout = card.get("holdout")
    if not isinstance(holdout, Mapping):
        return None
    auc, loss, base = (holdout.get(name) for name in ("auc_same_age", "log_loss", "base_log_loss"))
    if not (isinstance(auc, float) and isinstance(loss, float) and isinstance(base, float)) or base <= 0:
        return None
    return auc, 1 - loss / base
