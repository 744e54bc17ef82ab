"""A segment's own tables: where it has enough, and they foretell better than the shared ones on its newest rows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from scoring.predict import gate
from scoring.predict.artefact import Feature
from scoring.predict.evaluate import Evaluation
from scoring.predict.train import Request, Trained, chosen, final_tables, prequentially, supply_of
from scoring.predict.train_matrix import DAY_S, Floats, Mask, Rows, Split, Texts
from scoring.predict.train_tables import Tables, sigmoids

ONE_SIDED_95: Final = 1.6448536269514722
LEAST_TOLD: Final = gate.MIN_EACH
MOST: Final = 20
LEAST_TRAINED: Final = 20


@dataclass(frozen=True)
class SegmentTrained:
    """What came of one segment: `tables` is null where it keeps the shared ones, for the reasons in `why`.

    gain is how much lower the log loss of its own tables is on its newest rows, with its standard error.
    """

    id: str
    supply: gate.Supply
    why: tuple[str, ...] = ()
    tables: Tables | None = None
    inside: Mask | None = None
    own: Evaluation | None = None
    shared_log_loss: float | None = None
    gain: float | None = None
    error: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give what the card tells."""
        figures = {
            "log_loss": self.own.log_loss if self.own else None,
            "shared_log_loss": self.shared_log_loss,
            "gain": self.gain,
            "gain_error": self.error,
            "auc_same_age": self.own.auc_same_age if self.own else None,
        }
        told = {"segment": self.id, "leads": self.supply.leads, "converted": self.supply.converted}
        rounded = {name: None if value is None else round(value, 6) for name, value in figures.items()}
        return {**told, "own_tables": self.tables is not None, "why": list(self.why), **rounded}


def train_segments(trained: Trained, values: Texts, request: Request) -> list[SegmentTrained]:
    """Try tables of its own for each of the largest segments; values are the segments of the rows that were trained on.

    All are held against the same tables at the same time: those that knew all before the newest rows. Empty where no
    model was published.
    """
    if trained.published is None or trained.rows is None:
        return []
    return [_tried(trained, trained.rows, values == name, name, request) for name in _largest(values)]


def _largest(values: Texts) -> Iterator[str]:
    names, counts = np.unique([str(value) for value in values if value is not None], return_counts=True)
    for place in np.argsort(-counts, kind="stable")[:MOST]:
        if counts[place] >= LEAST_TOLD:
            yield str(names[place])


def _tried(trained: Trained, rows: Rows, inside: Mask, name: str, request: Request) -> SegmentTrained:
    part = rows.take(inside)
    supply = supply_of(part, request)
    lacking = gate.too_little(supply, request.now)
    if lacking or trained.split is None or trained.best is None:
        return SegmentTrained(name, supply, tuple(lacking))
    at_s = trained.split.at_s
    known, newest = part.as_of_s + request.horizon_days * DAY_S <= at_s, part.as_of_s >= at_s
    held = Split(part.take(known), part.take(newest), at_s)
    won = float(held.train.converted.sum())
    if min(won, len(held.train) - won) < LEAST_TRAINED or not len(held.holdout):
        why = f"{won:,.0f} conversions were known before the newest rows, {LEAST_TRAINED} and as many others are needed"
        return SegmentTrained(name, supply, (why,))
    found = chosen(held, request)
    shared = sigmoids(prequentially(trained.best.tables, held, request.horizon_days))
    gain, error = gained(shared, found.best.probabilities, held.holdout)
    shared_log_loss = found.best.refitted.log_loss + gain
    why_not = [*gate.refusals(found.best.refitted), *_no_better(gain, error)]
    tables = None if why_not else final_tables(found.best.kind, part, found.line, request)
    own = found.best.refitted
    return SegmentTrained(name, supply, tuple(why_not), tables, inside, own, shared_log_loss, gain, error)


def _no_better(gain: float, error: float) -> Iterator[str]:
    if gain <= ONE_SIDED_95 * error:
        yield f"its own tables lose {gain:.4f} less than the shared ones, {ONE_SIDED_95 * error:.4f} could be chance"


def gained(first: Floats, second: Floats, rows: Rows) -> tuple[float, float]:
    """Give how much lower the log loss of the second probabilities is, and its standard error over people."""
    losses = [-np.log(np.clip(np.where(rows.converted > 0, p, 1 - p), 1e-12, 1)) for p in (first, second)]
    apart = losses[0] - losses[1]
    mean = float(apart.mean())
    of: dict[str, float] = {}
    for subject, one in zip(rows.subject, apart - mean, strict=True):
        of[str(subject)] = of.get(str(subject), 0.0) + float(one)
    return mean, math.sqrt(sum(one * one for one in of.values())) / len(apart)


@dataclass(frozen=True)
class Segmented:
    """The feature that says which segment somebody is in, and what came of the largest."""

    feature: Feature
    each: tuple[SegmentTrained, ...]
    why: str | None = None

    @property
    def own(self) -> list[SegmentTrained]:
        """List those that have tables of their own."""
        return [one for one in self.each if one.tables is not None]

    def log_odds(self, shared: Tables, rows: Rows) -> Floats:
        """Give the log-odds of the rows that were trained on, each by its own tables."""
        found = shared.log_odds(rows)
        for one in self.own:
            if one.tables is not None and one.inside is not None:
                found[one.inside] = one.tables.log_odds(rows.take(one.inside))
        return found

    def as_dict(self) -> dict[str, Any]:
        """Give what the card and the command tell."""
        return {"field": self.feature.field, "why": self.why, "each": [one.as_dict() for one in self.each]}


def segmented(trained: Trained, rows: Rows, feature: Feature, request: Request) -> Segmented:
    """Try tables for the values of a feature; none where training left the field out, for what knows too much."""
    for suspect in trained.suspects:
        if suspect.name == feature.id:
            return Segmented(feature, (), f"the field is left out: {suspect.why}")
    if trained.published is None:
        return Segmented(feature, (), "no model was published that segments could differ from")
    return Segmented(feature, tuple(train_segments(trained, rows.texts[feature.id], request)))
