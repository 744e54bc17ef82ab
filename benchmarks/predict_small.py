"""Little data: what the gate decides on draws of a few leads, against what would truly help with all the others.

    OMP_NUM_THREADS=1 python -m benchmarks.predict_small [olist bank_crm cdnow] [--sizes 100 300 1000 3000] [--draws 7]

A draw is so many leads of the whole time, with all their rows. It is trained on as the product trains. The truth is
the model on the leads not drawn, at the times from the draw's holdout on: it helps if there it is worth what the gate
asks for. Of a draw that was refused it is the model that would have been published. With --shuffled, what is known of
a lead is that of another by lot: nothing can help, and whatever is published is a fault.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from benchmarks.predict_data import SOURCE, WRITERS
from benchmarks.predict_quality import ALLOWED, rows_as_product
from scoring.predict import gate
from scoring.predict.evaluate import Evaluation, evaluate, log_loss
from scoring.predict.train import Request, Trained, final_tables, train
from scoring.predict.train_calibrate import Line, newest_cohort, platt, rates_by_age
from scoring.predict.train_fit import EBM, LR_BINS, out_of_fold
from scoring.predict.train_matrix import DAY_S, Floats, Rows, folds_of, split_by_time
from scoring.predict.train_tables import Tables, sigmoids

NAMES: Final = ("olist", "bank_crm", "cdnow")
DRAWS: Final = {100: 7, 300: 7, 1000: 5, 3000: 3}
_MOST_REST: Final = 20_000
_HORIZON_DAYS: Final = {"olist": 90, "bank_crm": 3, "cdnow": 90}


@dataclass(frozen=True)
class Drawn:
    """One draw: what the gate said, and what the model is worth on the leads not drawn; rules where there are any."""

    converted: int
    refused: tuple[str, ...]
    truth: Evaluation
    rules: Evaluation | None

    @property
    def gain(self) -> float:
        """Give the share of the rate's log loss that the model saves."""
        return 1 - self.truth.log_loss / self.truth.base_log_loss

    @property
    def helps(self) -> bool:
        """Tell whether the model is truly worth what the gate asks for: ranking, log loss, lift, and the rules."""
        truth = self.truth
        enough = truth.auc_same_age >= gate.MIN_AUC and self.gain >= gate.MIN_LOG_LOSS_GAIN
        beats = self.rules is None or truth.auc_same_age >= self.rules.auc_same_age
        return enough and beats and (truth.lift_20 or 0.0) >= gate.least_lift(truth.rate)


def with_rules(rows: Rows) -> Rows:
    """Give rows of purchases the points of rules made by hand: how lately, how often, how often lately."""
    quiet, ever, lately = (rows.numbers[name] for name in ("quiet_days", "events_ever", "events_90d"))
    recent = np.select([quiet <= 30, quiet <= 90, quiet <= 180], [30.0, 20.0, 10.0], 0.0)
    often = np.select([ever >= 4, ever >= 2], [30.0, 15.0], 0.0)
    return Rows(
        rows.subject,
        rows.as_of_s,
        rows.converted,
        rows.numbers,
        rows.texts,
        recent + often + np.select([lately >= 2, lately >= 1], [20.0, 10.0], 0.0),
    ).dated()


def shuffled(rows: Rows) -> Rows:
    """Give each row what is known of another."""
    order = np.random.default_rng(0).permutation(len(rows))
    other = rows.take(order)
    return replace(rows, numbers=other.numbers, texts=other.texts, points=other.points)


def judged(name: str, rows: Rows, leads: int, seed: int, horizon_days: int) -> Drawn:
    """Draw, train, and hold the model against the leads not drawn."""
    subjects = np.unique(rows.subject.astype(str))
    chosen = np.random.default_rng(seed).choice(subjects, leads, replace=False)
    inside = np.isin(rows.subject.astype(str), chosen)
    drawn, others = rows.take(inside), rows.take(~inside)
    at = datetime.fromtimestamp(float(rows.as_of_s.max()) + horizon_days * DAY_S, UTC)
    request = Request(horizon_days=horizon_days, now=at, allowed=ALLOWED.get(name, ()))
    told = train(drawn, request)
    tables = told.published or would_be(told, drawn, request)
    since = split_by_time(drawn, request.horizon_days, 0.2).at_s
    later = others.take(others.as_of_s >= since)
    if len(later) > _MOST_REST:
        later = later.take(folds_of(later, 1000) < 1000 * _MOST_REST // len(later))
    newest = drawn.take(newest_cohort(drawn, at.timestamp(), request.horizon_days))
    return Drawn(
        told.supply.converted,
        told.refused,
        truth_of(tables.log_odds(later), later, [newest.rate, drawn.rate], drawn),
        by_rules(drawn, later),
    )


def would_be(told: Trained, drawn: Rows, request: Request) -> Tables:
    """Fit what would have been published: the kind that was better on the holdout, out of fold where none was held."""
    if told.best is not None and told.rows is not None:
        return final_tables(told.best.kind, told.rows, Line(1.0, 0.0), request)
    folds, kinds = folds_of(drawn), (LR_BINS, EBM)
    losses = []
    for kind in kinds:
        found = out_of_fold(kind, drawn, folds, 2)
        known = ~np.isnan(found)
        losses.append(log_loss(sigmoids(found[known]).tolist(), drawn.take(known).labels()))
    return final_tables(kinds[int(np.argmin(losses))], drawn, Line(1.0, 0.0), request)


def truth_of(log_odds: Floats, later: Rows, rates: Sequence[float], drawn: Rows) -> Evaluation:
    """Judge log-odds; the base is the best of knowing the rate of the newest, of all, and by age."""
    labels, ages = later.labels(), [int(age) for age in later.ages()]
    found = evaluate(sigmoids(log_odds).tolist(), labels, rates[0], ages)
    by_age = log_loss(sigmoids(rates_by_age(drawn)[later.ages()]).tolist(), labels)
    known = [log_loss([rate] * len(labels), labels) for rate in rates]
    return Evaluation(**{**found.__dict__, "base_log_loss": min(by_age, *known)})


def by_rules(drawn: Rows, later: Rows) -> Evaluation | None:
    """Judge the rules, linked to log-odds on the draw."""
    if drawn.points is None or later.points is None:
        return None
    line = platt(drawn.points, drawn.converted)
    return truth_of(line.slope * later.points + line.offset, later, [drawn.rate], drawn)


def told(drawn: Sequence[Drawn]) -> Iterator[str]:
    """Walk the cells of one size: how many of each verdict, and what the models are worth."""
    yield f"{median(one.converted for one in drawn):.0f}"
    for published in (True, False):
        for helps in (True, False):
            of = [one for one in drawn if (not one.refused) == published and one.helps == helps]
            yield f"{len(of)} ({median(one.gain for one in of):+.1%})" if of else "0"
    yield f"{sum(not one.refused and one.gain < 0 for one in drawn)}"
    yield f"{median(one.truth.log_loss for one in drawn):.3f}"
    yield f"{median(one.truth.base_log_loss for one in drawn):.3f}"
    rules = [one.rules.log_loss for one in drawn if one.rules]
    yield f"{median(rules):.3f}" if rules else ""
    lifts = [median(one.lift_20 or 0.0 for one in of) for of in ([d.truth for d in drawn], rules_of(drawn)) if of]
    yield " / ".join(f"{lift:.2f}" for lift in lifts)


def rules_of(drawn: Sequence[Drawn]) -> list[Evaluation]:
    """List the figures of the rules."""
    return [one.rules for one in drawn if one.rules is not None]


def main() -> None:
    """Draw from the data sets named, or from all, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], default=[])
    parser.add_argument("--sizes", nargs="*", type=int, default=list(DRAWS))
    parser.add_argument("--draws", type=int, help="as many draws of each size")
    parser.add_argument("--horizon", type=int, help="another horizon, in days")
    parser.add_argument("--shuffled", action="store_true", help="let nothing mean anything")
    parser.add_argument("--why", action="store_true", help="say of each draw why it was refused")
    given = parser.parse_args()
    if not SOURCE.is_dir():
        raise SystemExit(f"needs the public data sets in {SOURCE.resolve()}")
    heads = "leads | converted | published rightly | wrongly | refused wrongly | rightly | of the published, harmful"
    print(f"| data | {heads} | log loss | rate alone | rules | lift 20 / rules |\n|---|{'---|' * 11}")
    for name in given.names or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            WRITERS[name](Path(folder))
            horizon_days = given.horizon or _HORIZON_DAYS[name]
            rows = rows_as_product(name, Path(folder), horizon_days, ())
        rows = with_rules(rows) if name == "cdnow" else rows
        rows = shuffled(rows) if given.shuffled else rows
        for size in given.sizes:
            draws = given.draws or DRAWS.get(size, 5)
            found = [judged(name, rows, size, seed, horizon_days) for seed in range(draws)]
            print(f"| {name} | {size:,} | {' | '.join(told(found))} |", flush=True)
            for one in found if given.why else ():
                figures = f"AUC {one.truth.auc_same_age:.3f}, gain {one.gain:+.1%}, lift {one.truth.lift_20 or 0:.2f}"
                print(f"    {figures}: {'; '.join(one.refused) or 'published'}")


if __name__ == "__main__":
    main()
