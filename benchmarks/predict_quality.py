"""Hold `leadlight train` against scikit-learn, LightGBM and a naive Bayes as Odoo has it, on public data.

Run it as `OMP_NUM_THREADS=1 python -m benchmarks.predict_quality [olist maven cdnow bank bank_crm]`, one thread each.
It needs `pip install lightgbm` beside the development packages. Every model sees the same rows and the same split by
time: the product trains through its own command, the others on the rows that it made. Ours is told twice: as trained,
and with the intercept that monthly training would have re-fitted.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.predict_data import MOST_ROWS, SOURCE, TARGETS, WRITERS
from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from connector.training.candidates import candidates, identifier
from connector.training.facts import open_facts
from connector.training.histories import note_values
from connector.training.rows import read_rows
from connector.training.snapshots import begin, take
from scoring.predict.evaluate import evaluate
from scoring.predict.train_matrix import Rows, Split, levels_of, split_by_time

Floats = NDArray[np.float64]

# A call's outcome is known as it ends; the others are as their sources count. poutcome is of an earlier campaign.
HORIZONS: Final[Mapping[str, str]] = {"bank": "3d", "bank_crm": "3d", "cdnow": "90d"}
ALLOWED: Final[Mapping[str, Sequence[str]]] = {"bank": ("poutcome",), "bank_crm": ("poutcome",)}
_COLUMNS: Final = ("auc", "log_loss", "lift_10", "lift_20", "ece")


@dataclass(frozen=True)
class Line:
    """One model's figures on the holdout."""

    name: str
    figures: Mapping[str, Any]
    cpu_s: float


def product(name: str, folder: Path) -> dict[str, Any]:
    """Train through the command line, in its own process."""
    asked = [sys.executable, "-m", "connector", "train", "--data", str(folder), "-o", str(folder / "m.json"), "--json"]
    asked += ["--target", TARGETS.get(name, "closed_won")]
    asked += ["--horizon", HORIZONS[name]] if name in HORIZONS else []
    asked += ["--max-rows", str(MOST_ROWS[name])] if name in MOST_ROWS else []
    asked += [part for field in ALLOWED.get(name, ()) for part in ("--allow", field)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def rows_as_product(name: str, folder: Path, horizon_days: int, left_out: Sequence[str]) -> Rows:
    """Make the rows that the product trained on."""
    with open_engine() as engine:
        facts = open_facts(engine, open_tables(engine, folder), None)
        begin(engine, facts, TARGETS.get(name, "closed_won"))  # type: ignore[arg-type] # one of the targets
        take(engine, facts, horizon_days, MOST_ROWS.get(name, 50_000))
        noted = note_values(engine, facts)
        tried = candidates(engine, facts, noted.fields, ALLOWED.get(name, ()))
        return read_rows(engine, facts, tried.features, noted.fields).without(left_out).dated()


def encoded(split: Split) -> tuple[Floats, Floats, list[int]]:
    """Give numbers with NaN and texts as numbered levels (rare ones are one), for trees; and which are texts."""
    parts: list[list[Floats]] = [[], []]
    for place, rows in enumerate((split.train, split.holdout)):
        parts[place] += [rows.numbers[name] for name in rows.numbers]
        for name in rows.texts:
            index = {level: n for n, level in enumerate(levels_of(split.train.texts[name])[:250])}
            other = len(index)
            codes = [np.nan if v is None else float(index.get(str(v), other)) for v in rows.texts[name]]
            parts[place].append(np.asarray(codes))
    texts = list(range(len(split.train.numbers), len(split.train.names)))
    train, holdout = (np.stack(part, axis=1) for part in parts)
    return train, holdout, texts


def one_hot(split: Split) -> tuple[Floats, Floats]:
    """Give standardised numbers (the median where unknown, and a mark) and a column per level, for a linear model."""
    made: list[list[Floats]] = [[], []]
    for name, values in split.train.numbers.items():
        middle = float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0
        spread = float(np.nanstd(values)) or 1.0
        for place, rows in enumerate((split.train, split.holdout)):
            unknown = np.isnan(rows.numbers[name])
            made[place] += [(np.where(unknown, middle, rows.numbers[name]) - middle) / spread, unknown.astype(float)]
    for name in split.train.texts:
        for level in levels_of(split.train.texts[name]):
            for place, rows in enumerate((split.train, split.holdout)):
                made[place].append((rows.texts[name] == level).astype(float))
    return np.stack(made[0], axis=1), np.stack(made[1], axis=1)


def logistic(split: Split) -> Floats:
    """Fit scikit-learn's logistic regression."""
    from sklearn.linear_model import LogisticRegression

    train, holdout = one_hot(split)
    return probabilities(LogisticRegression(max_iter=2000), train, holdout, split)


def boosted(split: Split) -> Floats:
    """Fit scikit-learn's histogram gradient boosting as it comes."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    train, holdout, texts = encoded(split)
    return probabilities(
        HistGradientBoostingClassifier(categorical_features=texts or None, random_state=0), train, holdout, split
    )


def boosted_small(split: Split) -> Floats:
    """Fit the same, tuned small: 150 trees of 8 leaves."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    train, holdout, texts = encoded(split)
    model = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=150,
        max_leaf_nodes=8,
        l2_regularization=1.0,
        categorical_features=texts or None,
        random_state=0,
    )
    return probabilities(model, train, holdout, split)


def lightgbm(split: Split) -> Floats:
    """Fit LightGBM as it comes."""
    from lightgbm import LGBMClassifier

    train, holdout, texts = encoded(split)
    model = LGBMClassifier(n_jobs=1, verbose=-1)
    model.fit(train, split.train.converted.astype(int), categorical_feature=texts)
    found = np.asarray(model.predict_proba(holdout), dtype=np.float64)
    return np.asarray(found[:, 1], dtype=np.float64)


def additive(split: Split, interactions: int | str) -> Floats:
    """Fit interpret's EBM as the product does, with as many pairs of features beside the tables."""
    from interpret.glassbox import ExplainableBoostingClassifier

    matrices = []
    for rows in (split.train, split.holdout):
        columns: list[Any] = [*rows.numbers.values()]
        for name in rows.texts:
            kept = set(levels_of(split.train.texts[name]))
            columns.append([None if v is None else v if v in kept else "(other)" for v in rows.texts[name]])
        matrix = np.empty((len(rows), len(columns)), dtype=object)
        for place, values in enumerate(columns):
            matrix[:, place] = values
        matrices.append(matrix)
    kinds = ["continuous"] * len(split.train.numbers) + ["nominal"] * len(split.train.texts)
    shape = {"max_bins": 32, "outer_bags": 8, "random_state": 0, "n_jobs": 1}
    model = ExplainableBoostingClassifier(feature_types=kinds, interactions=interactions, **shape)
    return probabilities(model, matrices[0], matrices[1], split)


def no_pairs(split: Split) -> Floats:
    """Fit an EBM without pairs."""
    return additive(split, 0)


def with_pairs(split: Split) -> Floats:
    """Fit an EBM with three pairs per feature, as it comes."""
    return additive(split, "3x")


def probabilities(model: Any, train: Floats, holdout: Floats, split: Split) -> Floats:  # noqa: ANN401 - an estimator
    """Fit and predict."""
    model.fit(train, split.train.converted.astype(int))
    return np.asarray(model.predict_proba(holdout)[:, 1], dtype=np.float64)


def naive_bayes(split: Split) -> Floats:
    """Fit a naive Bayes by the formula that Odoo documents: counts begin at 0.1, unknown and unseen values are skipped.

    Numbers are put into tenths, which Odoo does not do: without, most features would not count at all.
    """
    won = float(split.train.converted.sum())
    lost = len(split.train) - won
    total = np.zeros(len(split.holdout))
    for name in split.train.names:
        train, holdout = discrete(split, name)
        levels = {level for level in train if level is not None}
        counts = {level: [0.1, 0.1] for level in levels}
        for level, converted in zip(train, split.train.converted, strict=True):
            if level is not None:
                counts[level][0 if converted else 1] += 1
        sums = [sum(count[side] for count in counts.values()) for side in (0, 1)]
        odds = {level: np.log(a / sums[0]) - np.log(b / sums[1]) for level, (a, b) in counts.items()}
        total += np.asarray([odds.get(level, 0.0) for level in holdout])
    return np.asarray(1 / (1 + np.exp(-(total + np.log(won / lost)))))


def discrete(split: Split, name: str) -> tuple[list[Any], list[Any]]:
    """Give a feature as levels: texts as they are, numbers by tenths of those trained on."""
    if name in split.train.texts:
        return list(split.train.texts[name]), list(split.holdout.texts[name])
    values = split.train.numbers[name]
    known = values[~np.isnan(values)]
    cuts = np.unique(np.quantile(known, np.linspace(0, 1, 11)[1:-1])) if len(known) else np.zeros(0)
    sides = (values, split.holdout.numbers[name])
    train, holdout = ([None if np.isnan(v) else int(np.searchsorted(cuts, v, "right")) for v in side] for side in sides)
    return train, holdout


OTHERS: Final[Mapping[str, Callable[[Split], Floats]]] = {
    "LR": logistic,
    "HGB": boosted,
    "HGB-small": boosted_small,
    "LightGBM": lightgbm,
    "EBM": no_pairs,
    "EBM, pairs": with_pairs,
    "naive Bayes": naive_bayes,
}


def compared(name: str) -> None:
    """Train on one data set and print every model's figures."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        WRITERS[name](folder)
        told = product(name, folder)
        left_out = [identifier(one["name"]) for one in told["blocked_features"]]
        rows = rows_as_product(name, folder, told["horizon_days"], left_out)
    split = split_by_time(rows, told["horizon_days"], 0.2)
    if len(split.holdout) != told["holdout"]["n"]:
        raise SystemExit(f"{name}: the product judged {told['holdout']['n']} rows, here are {len(split.holdout)}")
    lines = list(ours(told))
    for other, fit in OTHERS.items():
        started = time.process_time()
        p = fit(split)
        figures = evaluate(p.tolist(), split.holdout.labels(), split.train.rate).as_dict()
        lines.append(Line(other, figures, time.process_time() - started))
    shown(name, told, split, lines)


def ours(told: Mapping[str, Any]) -> list[Line]:
    """Give the product's lines: the chosen and the challenger, with and without the monthly intercept."""
    lines = []
    for role in ("holdout", "challenger"):
        figures = dict(told[role])
        method = f"ours, {figures['method']}{'' if role == 'holdout' else ' (challenger)'}"
        cpu_s = told["cpu_seconds"] if role == "holdout" else float("nan")
        lines.append(Line(method, figures, cpu_s))
        before = {"log_loss": figures["log_loss_before_refit"], "ece": figures["ece_before_refit"]}
        lines.append(Line(f"{method}, intercept as trained", figures | before, float("nan")))
    return lines


def shown(name: str, told: Mapping[str, Any], split: Split, lines: Sequence[Line]) -> None:
    """Print one table in Markdown."""
    verdict = "published" if told["published"] else f"refused: {'; '.join(told['refused_because'])}"
    print(f"\n**{name}**: {len(split.train):,} rows trained, base {split.train.rate:.3f};")
    print(
        f"{len(split.holdout):,} held out, base {split.holdout.rate:.3f}; horizon {told['horizon_days']} d; {verdict}\n"
    )
    print(f"| model | {' | '.join(_COLUMNS)} | CPU s |\n|---|{'---|' * (len(_COLUMNS) + 1)}")
    for line in lines:
        cells = [f"{line.figures[column]:.4f}" if line.figures[column] is not None else "" for column in _COLUMNS]
        cpu = "" if np.isnan(line.cpu_s) else f"{line.cpu_s:.1f}"
        print(f"| {line.name} | {' | '.join(cells)} | {cpu} |")
    best = min(line.figures["log_loss"] for line in lines)
    first = lines[0].figures
    print(f"\nlog loss above the best: {first['log_loss'] - best:.4f}")
    print(f"ECE {first['ece_before_refit']:.4f} before the re-fit, {first['ece']:.4f} after", flush=True)


def main() -> None:
    """Compare on the data sets named, or on all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*WRITERS, []], default=[])
    names = parser.parse_args().names or list(WRITERS)
    if not SOURCE.is_dir():
        raise SystemExit(f"needs the public data sets in {SOURCE.resolve()}")
    if importlib.util.find_spec("lightgbm") is None:
        raise SystemExit("LightGBM is not installed and no part of the product: python -m pip install lightgbm")
    for name in names:
        compared(name)


if __name__ == "__main__":
    main()
