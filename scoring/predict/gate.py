"""Whether a model may be published: enough data to train, and a holdout that shows it is worth using."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from scoring.predict.evaluate import Evaluation

MIN_LEADS: Final = 300
MIN_EACH: Final = 40
FULL_LEADS: Final = 1_000
FULL_CONVERSIONS: Final = 120
MIN_HOLDOUT_CONVERSIONS: Final = 20
MIN_AUC: Final = 0.60
MIN_AUC_LOW: Final = 0.55
MIN_LOG_LOSS_GAIN: Final = 0.01
MIN_LIFT_20: Final = 1.5
LIFT_OF_CAP: Final = 0.75  # lift cannot pass 1 / rate, so a target that most reach asks for less


@dataclass(frozen=True)
class Supply:
    """What there is to learn from: matured leads, how many of them converted, and how fast more mature.

    per_day is the matured leads that a day brings, over the newest months; 0 where nothing came.
    """

    leads: int
    converted: int
    per_day: float

    @property
    def not_converted(self) -> int:
        """Give those who had their time and did not convert."""
        return self.leads - self.converted


def too_little(supply: Supply, now: datetime) -> list[str]:
    """Say what is missing to train at all, each with the day it would be there at the present pace; empty is enough."""
    rate = supply.converted / supply.leads if supply.leads else 0.0
    wants = (
        ("matured leads", supply.leads, MIN_LEADS, supply.per_day),
        ("of them that converted", supply.converted, MIN_EACH, supply.per_day * rate),
        ("of them that did not convert", supply.not_converted, MIN_EACH, supply.per_day * (1 - rate)),
    )
    return [
        f"{have:,} {what}, {least:,} are needed: {_when(least - have, pace, now)}"
        for what, have, least, pace in wants
        if have < least
    ]


def _when(missing: int, per_day: float, now: datetime) -> str:
    if per_day <= 0:
        return f"{missing:,} more; nothing matured lately, so no day can be named"
    days = math.ceil(missing / per_day)
    if days > 3650:
        return f"{missing:,} more, over ten years at the present pace"
    return f"{missing:,} more, about {now + timedelta(days=days):%d %b %Y} at the present pace"


def confidence(supply: Supply) -> str:
    """Name how far a model of so much data can be trusted: `early` is blended with rules, `full` stands alone."""
    return "full" if supply.leads >= FULL_LEADS and supply.converted >= FULL_CONVERSIONS else "early"


def refusals(holdout: Evaluation, beside: tuple[Evaluation, Evaluation] | None = None) -> list[str]:
    """Say why a model is not worth publishing, by the newest rows alone, which it never saw; empty is worth it.

    beside has the rules in use, then the model, both on the rows that the rules scored too.
    """
    return [*_too_few(holdout), *_too_weak(holdout), *(_worse(*beside) if beside else ())]


def least_lift(rate: float) -> float:
    """Give the lift of the best fifth that is asked for at this rate of conversion."""
    return min(MIN_LIFT_20, LIFT_OF_CAP / rate) if rate else MIN_LIFT_20


def _too_few(holdout: Evaluation) -> Iterator[str]:
    if holdout.conversions < MIN_HOLDOUT_CONVERSIONS:
        yield (
            f"{holdout.conversions} conversions among the newest {holdout.n:,} rows, {MIN_HOLDOUT_CONVERSIONS} are "
            "needed to judge; train again when more have matured, or hold out a larger share (--holdout)"
        )


def _too_weak(holdout: Evaluation) -> Iterator[str]:
    same = holdout.auc_same_age
    if same < MIN_AUC:
        yield f"holdout AUC {same:.3f} is below {MIN_AUC:.2f}: among leads as old, it ranks hardly better than chance"
    if holdout.auc_low <= MIN_AUC_LOW:
        yield f"holdout AUC may be as low as {holdout.auc_low:.3f} (95 %), which is not above {MIN_AUC_LOW:.2f}"
    limit = holdout.base_log_loss * (1 - MIN_LOG_LOSS_GAIN)
    if holdout.log_loss > limit:
        yield (
            f"holdout log loss {holdout.log_loss:.4f} is above {limit:.4f}, 1 % under that of knowing the rate "
            f"alone ({holdout.base_log_loss:.4f})"
        )
    least = least_lift(holdout.rate)
    if (holdout.lift_20 or 0.0) < least:
        yield f"the best fifth converts {holdout.lift_20 or 0.0:.2f} times as often as everybody, {least:.2f} is needed"


def _worse(rules: Evaluation, model: Evaluation) -> Iterator[str]:
    if model.auc_same_age < rules.auc_same_age:
        both = f"AUC {rules.auc_same_age:.3f} against {model.auc_same_age:.3f}"
        yield f"the rules rank better than the model on the same rows: {both}"
