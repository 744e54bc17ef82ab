"""A learned model as rules that a team can read: at most fifteen criteria in whole points, and what they cost."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.predict.artefact import Feature
from scoring.predict.evaluate import lift
from scoring.predict.train import Trained
from scoring.predict.train_matrix import Floats, Rows
from scoring.predict.train_tables import NumberTable, TextTable, counts_of

MOST_CRITERIA: Final = 15
BEST: Final = 20  # points of the strongest criterion
LEAST_SHARE: Final = 0.02
_LEAST_LOG_ODDS: Final = 0.1
_NEAR: Final = 0.25


@dataclass(frozen=True)
class Criterion:
    """Points for having one of these values, or for a number of at least this."""

    feature: Feature
    points: int
    levels: tuple[str, ...] = ()
    at_least: float | None = None

    def holds(self, rows: Rows) -> Floats:
        """Give 1 for each row that it holds of."""
        if self.at_least is not None:
            return np.nan_to_num(rows.numbers[self.feature.id] >= self.at_least).astype(np.float64)
        return np.asarray([value in self.levels for value in rows.texts[self.feature.id]], dtype=np.float64)


@dataclass(frozen=True)
class Suggestion:
    """The criteria, the strongest first, and the lift of the best fifth of the holdout: the model's and theirs."""

    criteria: tuple[Criterion, ...]
    model_lift: float | None
    points_lift: float | None


def suggest(trained: Trained, features: Sequence[Feature]) -> Suggestion:
    """Round the tables that the holdout was judged by; raises ValueError where none was judged."""
    if trained.best is None or trained.split is None:
        raise ValueError("nothing was trained, so there are no points to suggest")
    known = {feature.id: feature for feature in features}
    train, holdout = trained.split.train, trained.split.holdout
    found: list[tuple[float, float, Criterion]] = []
    for name, table in trained.best.tables.tables.items():
        n, _ = counts_of(table, train, name)
        steps = _levels(table, n) if isinstance(table, TextTable) else _threshold(table, n)
        for gain, share, levels, at_least in steps:
            if _says(known[name]) and abs(gain) >= _LEAST_LOG_ODDS and share >= LEAST_SHARE:
                found.append((gain, share, Criterion(known[name], 0, levels, at_least)))
    # What moves most people most goes first: the spread that a criterion makes between rows.
    found.sort(key=lambda one: (-abs(one[0]) * (one[1] * (1 - one[1])) ** 0.5, one[2].feature.id, one[2].levels))
    kept = found[:MOST_CRITERIA]
    strongest = max((abs(gain) for gain, _, _ in kept), default=1.0)
    rounded = [(round(BEST * gain / strongest), one) for gain, _, one in kept]
    criteria = tuple(Criterion(one.feature, points, one.levels, one.at_least) for points, one in rounded if points)
    total = sum((one.points * one.holds(holdout) for one in criteria), np.zeros(len(holdout)))
    return Suggestion(criteria, trained.best.refitted.lift_20, lift(total.tolist(), holdout.labels(), 0.20))


def _says(feature: Feature) -> bool:
    """Tell whether a rule can say it: fields, and events within days."""
    return feature.kind == "attribute" or (feature.kind == "count" and feature.within_days is not None)


Step = tuple[float, float, tuple[str, ...], float | None]


def _levels(table: TextTable, n: Sequence[int]) -> Iterator[Step]:
    """Group values of about the same log-odds, against the mean over rows."""
    total = max(sum(n), 1)
    middle = sum(value * rows for value, rows in zip(table.every, n, strict=True)) / total
    ranked = sorted(zip(table.values, n[: len(table.levels)], table.levels, strict=True))
    group: list[tuple[float, int, str]] = []
    for one in [*ranked, None]:
        if group and (one is None or one[0] - group[0][0] > _NEAR):
            rows = sum(count for _, count, _ in group)
            gain = sum(value * count for value, count, _ in group) / max(rows, 1) - middle
            yield gain, rows / total, tuple(sorted(level for _, _, level in group)), None
            group = []
        if one is not None:
            group.append(one)


def _threshold(table: NumberTable, n: Sequence[int]) -> Iterator[Step]:
    """Cut a number once, where the two sides differ most for the rows that they hold."""
    total = max(sum(n), 1)
    best: tuple[float, Step] | None = None
    for place, cut in enumerate(table.cuts):
        above = slice(place + 2, None)
        rows = sum(n[above])
        if 0 < rows < total:
            high = sum(v * c for v, c in zip(table.values[above], n[above], strict=True)) / rows
            below = sum(v * c for v, c in zip(table.values[: place + 2], n[: place + 2], strict=True)) / (total - rows)
            share = rows / total
            weight = abs(high - below) * (share * (1 - share)) ** 0.5
            if best is None or weight > best[0]:
                best = (weight, (high - below, share, (), float(f"{cut:.4g}")))
    if best is not None:
        yield best[1]


def as_toml(suggestion: Suggestion, model_id: str) -> str:
    """Write the criteria as a model of rules; its bands are for people to set."""
    lines = [
        f"# Suggested from what was learned: {len(suggestion.criteria)} criteria in whole points.",
        f"# {_cost(suggestion)}",
        "# The bands are a guess: set them by how many leads you can work.",
        "",
        "[model]",
        f"id = {json.dumps(model_id)}",
    ]
    for place, one in enumerate(suggestion.criteria, start=1):
        lines += ["", *_rule(one, place)]
    top = sum(max(one.points, 0) for one in suggestion.criteria)
    lines += ["", "[[band]]", 'id = "hot"', f"at_least = {max(1, round(top * 0.5))}"]
    lines += ["[[band]]", 'id = "warm"', f"at_least = {max(0, round(top * 0.25))}", "[[band]]", 'id = "cold"']
    return "\n".join(lines) + "\n"


def _cost(suggestion: Suggestion) -> str:
    model, points = suggestion.model_lift or 0.0, suggestion.points_lift or 0.0
    return (
        f"Lift of the best fifth on the newest rows: {points:.2f}, the model's is {model:.2f} ({points - model:+.2f})."
    )


def _values(levels: Sequence[str]) -> str:
    """Write the operand for these values; a field of true and false is not a text."""
    if len(levels) == 1 and levels[0] in ("true", "false"):
        return f"is = {levels[0]}"
    return f"in = [{', '.join(json.dumps(level, ensure_ascii=False) for level in levels)}]"


def _rule(one: Criterion, place: int) -> list[str]:
    feature = one.feature
    if feature.kind == "attribute":
        test = f"gte = {one.at_least:g}" if one.at_least is not None else _values(one.levels)
        said = f"{feature.label} of {one.at_least:g} or more" if one.at_least is not None else ""
        said = said or f"{feature.label}: {', '.join(one.levels[:3])}{' …' if len(one.levels) > 3 else ''}"
        how = [f"when = {{ field = {json.dumps(feature.field)}, {test} }}"]
        kind = "fit"
    else:
        least = max(1, int(np.ceil(one.at_least or 1)))
        said = f"{feature.label}: {least} or more"
        how = [f"event = {json.dumps(list(feature.event or ()))}", 'award = "once"', f"at_least = {least}"]
        how.append(f'within = "{feature.within_days}d"')
        if feature.where is not None and feature.where.contains is not None:
            field = json.dumps(feature.where.field)
            how.append(f"where = {{ field = {field}, contains = {json.dumps(feature.where.contains)} }}")
        kind = "engagement"
    head = [f"[[{kind}]]", f'id = "{feature.id}_{place}"', f"label = {json.dumps(said, ensure_ascii=False)}"]
    return [*head, *how, f"points = {one.points}"]
