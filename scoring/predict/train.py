"""Trains, judges and chooses: from rows as of their time to a model that may be published, or a refusal."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from scoring.predict import gate
from scoring.predict.evaluate import Evaluation, ReliabilityBin, auc, evaluate, log_loss, reliability, stratified_auc
from scoring.predict.leaks import Suspect, judge
from scoring.predict.train_calibrate import (
    Line,
    needs_slope,
    newest_cohort,
    platt,
    prequential,
    rates_by_age,
    shift_to,
)
from scoring.predict.train_fit import EBM, LR_BINS, OUTER_BAGS, fitted, out_of_fold
from scoring.predict.train_leaks import betrayals
from scoring.predict.train_matrix import DAY_S, Floats, Rows, Split, folds_of, split_by_time
from scoring.predict.train_tables import Tables, sigmoids

TIE: Final = 0.002
CV_DROP: Final = 0.08
MOST_HOLDOUT: Final = 0.4
LEAST_TRAINED: Final = 20
LEAST_COMPARED: Final = 10
MOST_FEATURES: Final = 100  # the rest tell least alone
FOLD_BAGS: Final = 2
FOLD_ROWS: Final = 20_000
MONTH_S: Final = 30 * DAY_S
LOW, HIGH = 0.01, 0.99


@dataclass(frozen=True)
class Request:
    """What is asked for: rows have matured over horizon_days, now is when the data were read.

    behaviours name features of events, changed_after is as `leaks.Betrayal` has it, fields names the field that a
    feature reads. allowed are features or fields that a person vouches for; doubts are features to leave out whatever
    they betray, and why. monotone is as `Rows` has it.
    """

    horizon_days: int
    now: datetime
    holdout: float = 0.2
    behaviours: Collection[str] = ()
    changed_after: Mapping[str, float] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    allowed: Sequence[str] = ()
    doubts: Mapping[str, str] = field(default_factory=dict)
    monotone: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """One way to fit, on the rows held out: `as_trained` without the intercept's monthly re-fit, `refitted` with it."""

    kind: str
    tables: Tables
    as_trained: Evaluation
    refitted: Evaluation
    probabilities: Floats


@dataclass(frozen=True)
class Trained:
    """What came of it: `published` is null where refused; lo and hi are the log-odds at 1 % and 99 % of rows.

    honest_auc and leaky_auc are of one method on one holdout, without and with the suspects; null where there are none.
    """

    refused: tuple[str, ...]
    supply: gate.Supply
    published: Tables | None = None
    lo: float = 0.0
    hi: float = 1.0
    rows: Rows | None = None
    split: Split | None = None
    best: Judged | None = None
    challenger: Judged | None = None
    rules: Evaluation | None = None
    link: Line | None = None
    cv_auc: float | None = None
    slope: float | None = None
    suspects: tuple[Suspect, ...] = ()
    honest_auc: float | None = None
    leaky_auc: float | None = None
    curve: tuple[ReliabilityBin, ...] = ()
    warnings: tuple[str, ...] = ()


def train(rows: Rows, request: Request) -> Trained:
    """Train on rows whose horizon has ended, or say why not; the published model is the chosen kind on all of them."""
    rows = replace(rows.dated(), monotone=request.monotone)
    supply = supply_of(rows, request)
    refused = gate.too_little(supply, request.now)
    if refused:
        return Trained(tuple(refused), supply)
    split = _split(rows, request)
    won = int(split.train.converted.sum())
    if min(won, len(split.train) - won) < LEAST_TRAINED:
        return Trained((_too_short(split, won, request),), supply, split=split)
    measured = betrayals(rows.whole(), request.behaviours, request.changed_after)
    suspects = judge(measured, request.allowed, request.fields, request.doubts)
    weak = sorted(measured, key=lambda one: -one.auc)[MOST_FEATURES + len(suspects) :]
    rows = rows.without([one.name for one in weak])
    split = Split(split.train.without([one.name for one in weak]), split.holdout, split.at_s)
    honest = Split(split.train.without([s.name for s in suspects]), split.holdout, split.at_s)
    return _judged(rows.without([s.name for s in suspects]), split, honest, supply, tuple(suspects), request)


def supply_of(rows: Rows, request: Request) -> gate.Supply:
    """Count whole subjects: one that converted after any of its rows has converted."""
    won: dict[Any, bool] = {}
    first: dict[Any, float] = {}
    for subject, at_s, converted in zip(rows.subject, rows.as_of_s, rows.converted, strict=True):
        won[subject] = won.get(subject, False) or bool(converted)
        first[subject] = min(first.get(subject, at_s), at_s)
    newest = max(first.values(), default=0.0)
    lately = [at_s for at_s in first.values() if at_s > newest - 6 * MONTH_S]
    days = max((newest - min(lately)) / DAY_S, 30.0) if lately else 30.0
    return gate.Supply(len(won), sum(won.values()), len(lately) / days)


def _split(rows: Rows, request: Request) -> Split:
    """Hold out the newest share, or more of it until enough of them converted to judge by."""
    share = request.holdout
    split = split_by_time(rows, request.horizon_days, share)
    while int(split.holdout.converted.sum()) < gate.MIN_HOLDOUT_CONVERSIONS and share < MOST_HOLDOUT:
        share = min(MOST_HOLDOUT, share + 0.05)
        split = split_by_time(rows, request.horizon_days, share)
    return split


def _too_short(split: Split, won: int, request: Request) -> str:
    at = datetime.fromtimestamp(split.at_s, UTC)
    return (
        f"only {len(split.train):,} rows ({won:,} conversions) ended their {request.horizon_days} days before the "
        f"newest ones began ({at:%d %b %Y}), {LEAST_TRAINED} conversions and as many others are needed: the data do "
        "not reach back far enough; wait, or ask for a shorter --horizon"
    )


def _judged(
    rows: Rows, split: Split, honest: Split, supply: gate.Supply, suspects: tuple[Suspect, ...], request: Request
) -> Trained:
    """Publish the chosen kind if it passes the gate."""
    found = chosen(honest, request)
    first, second, line, few = found.best, found.challenger, found.line, found.few
    folded, known = found.folded, ~np.isnan(found.folded)
    cv_auc = auc(folded[known].tolist(), few.take(known).labels())
    rules = _rules(honest, first)
    refused = gate.refusals(first.refitted, rules.beside if rules else None)
    final = None if refused else final_tables(first.kind, rows, line, request)
    scores = line.slope * folded[known] + line.offset
    moved = float(np.mean(final.log_odds(few))) - float(np.mean(scores)) if final else 0.0
    lo, hi = (float(np.quantile(scores, share)) + moved for share in (LOW, HIGH))
    return Trained(
        refused=tuple(refused),
        supply=supply,
        published=final,
        lo=lo,
        hi=max(hi, lo + 1e-3),
        rows=rows,
        split=honest,
        best=first,
        challenger=second,
        rules=rules.beside[0] if rules and rules.beside else None,
        link=rules.link if rules else None,
        cv_auc=cv_auc,
        slope=line.slope,
        suspects=suspects,
        honest_auc=_logistic(first, second).as_trained.auc_same_age if suspects else None,
        leaky_auc=_leaky_auc(split, suspects),
        curve=tuple(reliability(first.probabilities.tolist(), split.holdout.labels())),
        warnings=tuple(_warnings(cv_auc, first)),
    )


@dataclass(frozen=True)
class Chosen:
    """The better kind and the other; `line` is what out-of-fold log-odds (`folded`, of the rows `few`) ask for."""

    best: Judged
    challenger: Judged
    line: Line
    few: Rows
    folded: Floats


def chosen(split: Split, request: Request) -> Chosen:
    """Fit both kinds and choose by the holdout, ties to the regression."""
    first, second = sorted(
        (_judge(kind, split, request) for kind in (LR_BINS, EBM)),
        key=lambda one: one.refitted.log_loss + (TIE if one.kind == EBM else 0.0),
    )
    few = _sampled(split.train, FOLD_ROWS)
    folded = out_of_fold(first.kind, few, folds_of(few), FOLD_BAGS)
    known = ~np.isnan(folded)
    line = platt(folded[known], few.converted[known])
    if needs_slope(line) and line.slope > 0:
        first = _judge(first.kind, split, request, line)
    else:
        line = replace(line, slope=1.0, offset=0.0)
    return Chosen(first, second, line, few, folded)


def prequentially(tables: Tables, split: Split, horizon_days: int) -> Floats:
    """Give log-odds of the rows held out as monthly re-fits of the intercept would have made them."""
    months = list(np.arange(split.at_s, float(split.holdout.as_of_s.max()) + 1, MONTH_S))
    log_odds, known = tables.log_odds(split.holdout), tables.log_odds(split.train)
    return prequential(log_odds, split.holdout, months, horizon_days, split.train, known)


def _judge(kind: str, split: Split, request: Request, line: Line | None = None) -> Judged:
    """Fit one kind on the rows before the holdout and hold it against the holdout."""
    tables = fitted(kind, split.train, OUTER_BAGS)
    tables = tables.scaled(line.slope, line.offset) if line else tables
    log_odds = tables.log_odds(split.holdout)
    months = list(np.arange(split.at_s, float(split.holdout.as_of_s.max()) + 1, MONTH_S))
    shifted = prequentially(tables, split, request.horizon_days)
    by_age = rates_by_age(split.train)
    bases = [by_age[part.ages()] for part in (split.holdout, split.train)]
    level = prequential(bases[0], split.holdout, months, request.horizon_days, split.train, bases[1])
    labels, ages = split.holdout.labels(), [int(age) for age in split.holdout.ages()]
    as_trained = evaluate(sigmoids(log_odds).tolist(), labels, split.train.rate, ages)
    probabilities = sigmoids(shifted)
    refitted = evaluate(probabilities.tolist(), labels, split.train.rate, ages)
    # Re-fits move whole months up and down; ranking is judged without, and what they gain is given to the base too.
    refitted = replace(
        refitted,
        auc=as_trained.auc,
        auc_same_age=as_trained.auc_same_age,
        auc_low=as_trained.auc_low,
        lift_10=as_trained.lift_10,
        lift_20=as_trained.lift_20,
        base_log_loss=min(
            refitted.base_log_loss, *(log_loss(sigmoids(base).tolist(), labels) for base in (bases[0], level))
        ),
    )
    return Judged(kind, tables, as_trained, refitted, probabilities)


def final_tables(kind: str, rows: Rows, line: Line, request: Request) -> Tables:
    """Fit the chosen kind on all rows, with the intercept of the newest cohort."""
    tables = fitted(kind, rows, OUTER_BAGS).scaled(line.slope, line.offset).centred(rows)
    newest = rows.take(newest_cohort(rows, request.now.timestamp(), request.horizon_days))
    return tables.moved(shift_to(tables.log_odds(newest), newest.converted))


@dataclass(frozen=True)
class _Rules:
    """The rules' points as log-odds; beside has their figures and the model's, on the held-out rows that both have."""

    link: Line
    beside: tuple[Evaluation, Evaluation] | None


def _rules(split: Split, best: Judged) -> _Rules | None:
    """Link the rules' points to log-odds on the rows before the holdout, and judge them on it; null without points."""
    if split.train.points is None or split.holdout.points is None:
        return None
    there, later = ~np.isnan(split.train.points), ~np.isnan(split.holdout.points)
    if float(split.train.converted[there].sum()) < LEAST_TRAINED:
        return None
    link = platt(split.train.points[there], split.train.converted[there])
    seen, rate = split.holdout.take(later), split.train.rate
    if float(seen.converted.sum()) < LEAST_COMPARED:
        return _Rules(link, None)
    ages, labels = [int(age) for age in seen.ages()], seen.labels()
    theirs = sigmoids(link.slope * split.holdout.points[later] + link.offset)
    ours = sigmoids(best.tables.log_odds(seen))
    figures = [evaluate(p.tolist(), labels, rate, ages) for p in (theirs, ours)]
    return _Rules(link, (figures[0], figures[1]))


def _leaky_auc(split: Split, suspects: Sequence[Suspect]) -> float | None:
    """Give the holdout AUC, among rows as old, that the fields left out would have made; null where none was."""
    if not suspects:
        return None
    scores = fitted(LR_BINS, split.train).log_odds(split.holdout)
    ages = [int(age) for age in split.holdout.ages()]
    return stratified_auc(scores.tolist(), split.holdout.labels(), ages)[0]


def _logistic(first: Judged, second: Judged) -> Judged:
    return first if first.kind == LR_BINS else second


def _sampled(rows: Rows, most: int) -> Rows:
    """Keep the rows of so many subjects that there are about `most` of them."""
    if len(rows) <= most:
        return rows
    share = int(1000 * most / len(rows))
    return rows.take(folds_of(rows, 1000) < share)


def _warnings(cv_auc: float, best: Judged) -> list[str]:
    drop = cv_auc - best.refitted.auc
    if drop <= CV_DROP:
        return []
    fell = f"ranking falls by {drop:.3f}, from AUC {cv_auc:.3f} in the training time to {best.refitted.auc:.3f} on the"
    return [f"{fell} newest rows: there are fields that drift, or that know what comes after"]
