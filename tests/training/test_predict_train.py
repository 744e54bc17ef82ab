"""Training on small worlds whose truth is known: it is found, noise is refused, leaks stay out, time is kept."""

from bisect import bisect_right
from dataclasses import replace
from datetime import UTC, datetime

import pytest

pytest.importorskip("interpret", reason="needs the train extra")
pytest.importorskip("sklearn", reason="needs the train extra")

import numpy as np

from scoring.predict.artefact import Feature, TableModel, read_table
from scoring.predict.train import Request, Trained, train
from scoring.predict.train_artefact import artefact
from scoring.predict.train_calibrate import newest_cohort, platt, shift_to
from scoring.predict.train_fit import EBM, LR_BINS, fit_ebm, fit_lr_bins, fitted, out_of_fold
from scoring.predict.train_matrix import DAY_S, Rows, folds_of, levels_of, split_by_time
from scoring.predict.train_tables import NumberTable, TextTable, sigmoids

START = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def world(n: int, seed: int, strength: float = 1.0, drift: float = 0.0, days: int = 600) -> Rows:
    """Draw rows whose log-odds are a step in `size`, three values of `kind`, and noise that means nothing."""
    draw = np.random.default_rng(seed)
    at_s = START + np.sort(draw.uniform(0, days, n)) * DAY_S
    size = np.where(draw.random(n) < 0.1, np.nan, draw.lognormal(4, 1, n))
    kind = draw.choice(np.asarray(["red", "green", "blue", None], dtype=object), n)
    truth = -1.6 + strength * (np.where(size > 60, 1.2, 0.0) + np.where(kind == "red", 1.0, 0.0))
    truth = truth + drift * (at_s - START) / (days * DAY_S)
    won = (draw.random(n) < sigmoids(truth)).astype(float)
    subjects = np.asarray([f"p{i}" for i in range(n)], dtype=object)
    return Rows(subjects, at_s, won, {"size": size, "noise": draw.normal(size=n)}, {"kind": kind})


def trained(rows: Rows, **asked: object) -> Trained:
    return train(rows, Request(horizon_days=30, now=NOW, **asked))  # type: ignore[arg-type] # keywords of the test


@pytest.mark.parametrize("fit", [fit_ebm, fit_lr_bins])
def test_both_kinds_find_the_truth(fit: object) -> None:
    rows = world(6000, seed=1)
    tables = fit(rows).centred(rows)  # type: ignore[operator] # one of the two functions
    terms = tables.terms(rows)
    big, small = rows.numbers["size"] > 80, rows.numbers["size"] < 45
    assert terms["size"][big].mean() - terms["size"][small].mean() == pytest.approx(1.2, abs=0.3)
    red, blue = rows.texts["kind"] == "red", rows.texts["kind"] == "blue"
    assert terms["kind"][red].mean() - terms["kind"][blue].mean() == pytest.approx(1.0, abs=0.25)
    assert np.abs(terms["noise"]).mean() < 0.12
    assert tables.log_odds(rows) == pytest.approx(fit(rows).log_odds(rows), abs=1e-9)  # type: ignore[operator] # as above


def test_a_count_that_is_mostly_none_is_cut_above_none_and_what_nobody_has_adds_nothing() -> None:
    rows = world(4000, seed=1)
    visits = (np.arange(4000) % 20 == 0) * 3.0
    won = np.where(visits > 0, 1.0, rows.converted)
    same = np.full(4000, 7.0)
    same[:10] = 8.0  # too few to part
    rows = replace(rows, converted=won, numbers={**rows.numbers, "visits": visits, "same": same})
    tables = fit_lr_bins(rows).centred(rows)
    found = tables.tables["visits"]
    assert isinstance(found, NumberTable)
    assert (found.cuts, found.values[0]) == ((3.0,), 0.0)
    assert found.values[2] > 1 > found.values[1]
    assert "same" not in tables.tables
    assert tables.log_odds(rows) == pytest.approx(fit_lr_bins(rows).log_odds(rows), abs=1e-9)


def test_a_world_with_a_truth_is_published_and_a_world_of_noise_refused() -> None:
    told = trained(world(3000, seed=2))
    assert told.refused == ()
    assert told.published is not None
    assert told.best is not None
    assert told.best.refitted.auc > 0.65
    assert told.lo < told.hi
    noise = trained(world(3000, seed=2, strength=0.0))
    assert noise.published is None
    assert any("AUC" in why for why in noise.refused)


def test_too_little_is_refused_with_the_day_it_would_be_enough() -> None:
    few = trained(world(200, seed=3))
    assert few.published is None
    assert "200 matured leads, 300 are needed: 100 more, about" in few.refused[0]


def test_the_holdout_is_newer_than_what_trained_by_one_horizon() -> None:
    rows = world(1000, seed=4)
    split = split_by_time(rows, 30, 0.2)
    assert len(split.holdout) == pytest.approx(200, abs=2)
    assert split.train.as_of_s.max() + 30 * DAY_S <= split.holdout.as_of_s.min()


def test_nobody_is_on_both_sides_of_a_fold() -> None:
    rows = world(500, seed=5)
    twice = rows.take(np.concatenate([np.arange(500), np.arange(500)]))
    folds = folds_of(twice)
    assert (folds[:500] == folds[500:]).all()
    assert set(folds) == {0, 1, 2, 3, 4}
    # A feature that is the subject's own number: a fold that shared subjects would rank the rows by heart.
    learned = Rows(twice.subject, twice.as_of_s, twice.converted, {}, {"who": twice.subject})
    scores = out_of_fold(LR_BINS, learned, folds, 1)
    assert np.ptp(scores) < 1.0


@pytest.mark.parametrize("kind", ["leak_number", "leak_text"])
def test_a_planted_leak_is_left_out_and_told_beside_the_honest_figure(kind: str) -> None:
    rows = world(2000, seed=6)
    draw = np.random.default_rng(6)
    if kind == "leak_number":
        filled = np.where(rows.converted > 0, draw.random(2000), np.nan)
        rows = replace(rows, numbers={**rows.numbers, kind: filled})
    else:
        said = np.where(rows.converted > 0, "signed", np.where(draw.random(2000) < 0.5, "cold", "open")).astype(object)
        rows = replace(rows, texts={**rows.texts, kind: said})
    told = trained(rows)
    assert [(one.name, one.action) for one in told.suspects] == [(kind, "block")]
    assert told.published is not None
    assert kind not in told.published.tables
    assert told.best is not None
    assert told.leaky_auc is not None
    assert told.leaky_auc > 0.95 > 0.8 > told.best.refitted.auc


def test_rare_values_are_one_and_unseen_ones_are_of_them() -> None:
    rows = world(1000, seed=7)
    kind = rows.texts["kind"].copy()
    kind[:19] = "rare"
    rows = replace(rows, texts={"kind": kind})
    assert "rare" not in levels_of(kind)
    table = fit_ebm(rows).tables["kind"]
    assert isinstance(table, TextTable)
    assert table.levels == ("blue", "green", "red")
    assert list(table.places(np.asarray(["rare", "never seen", None, "red"], dtype=object))) == [3, 3, 4, 2]


def test_a_rate_that_drifts_is_met_by_the_intercept() -> None:
    told = trained(world(6000, seed=8, drift=2.5))
    assert told.best is not None
    assert told.best.refitted.ece < 0.6 * told.best.as_trained.ece
    assert told.best.refitted.log_loss < told.best.as_trained.log_loss


def test_the_newest_cohort_knows_no_outcome_of_later() -> None:
    rows = world(1000, seed=9)
    at_s = START + 300 * DAY_S
    chosen = newest_cohort(rows, at_s, 30)
    assert rows.as_of_s[chosen].max() + 30 * DAY_S <= at_s
    assert rows.converted[chosen].sum() >= 60
    assert chosen.sum() < (rows.as_of_s + 30 * DAY_S <= at_s).sum()


def test_a_shift_and_a_slope_are_what_was_put_in() -> None:
    draw = np.random.default_rng(10)
    scores = draw.normal(size=20_000)
    won = (draw.random(20_000) < sigmoids(2.0 * scores - 1.0)).astype(float)
    line = platt(scores, won)
    assert line.slope == pytest.approx(2.0, abs=0.1)
    assert line.offset == pytest.approx(-1.0, abs=0.05)
    assert shift_to(2.0 * scores - 3.0, won) == pytest.approx(2.0, abs=0.06)


def plain_log_odds(model: TableModel, values: dict[str, float | str | None]) -> float:
    """Read the file by its own description: bin 0 is the unknown, the last one any other text."""
    found = model.intercept
    for term in model.terms:
        value = values[term.feature.id]
        if value is None or value != value:
            place = 0
        elif isinstance(value, str):
            place = term.levels.index(value) + 1 if value in term.levels else len(term.bins) - 1
        else:
            place = bisect_right(term.cuts, value) + 1
        found += term.bins[place].log_odds
    return found


def test_the_file_says_what_was_trained_on_hostile_rows_too() -> None:
    rows = world(2000, seed=12)
    told = trained(rows)
    assert told.published is not None
    features = [
        Feature(id="size", label="size", kind="attribute", field="size"),
        Feature(id="noise", label="noise", kind="attribute", field="noise"),
        Feature(id="kind", label="kind", kind="attribute", role="categorical", field="kind"),
    ]
    model = artefact(told, Request(horizon_days=30, now=NOW), features, "closed_won")
    assert read_table(model.as_json().encode()) == model
    cuts = next(term.cuts for term in model.terms if term.feature.id == "size")
    sizes = [np.nan, -1e9, 1e9, 0.0, *cuts, *(float(np.nextafter(cut, -np.inf)) for cut in cuts)]
    kinds = [None, "red", "never seen", "(other)", "green"]
    n = len(sizes) * len(kinds)
    hostile = Rows(
        subject=np.asarray(["x"] * n, dtype=object),
        as_of_s=np.zeros(n),
        converted=np.zeros(n),
        numbers={"size": np.repeat(np.asarray(sizes), len(kinds)), "noise": np.full(n, np.nan)},
        texts={"kind": np.asarray(kinds * len(sizes), dtype=object)},
    )
    expected = [
        plain_log_odds(model, {"size": float(size), "noise": None, "kind": kind})
        for size, kind in zip(hostile.numbers["size"], hostile.texts["kind"], strict=True)
    ]
    assert told.published.log_odds(hostile).tolist() == pytest.approx(expected, abs=1e-12)
    assert sum(one.n for one in model.terms[0].bins) == len(rows)
    assert sum(one.n_converted for one in model.terms[0].bins) == int(rows.converted.sum())


@pytest.mark.parametrize("kind", [LR_BINS, EBM])
def test_more_of_a_monotone_number_never_lowers_a_score(kind: str) -> None:
    rows = world(1500, seed=13)
    free = fitted(kind, rows, 2)
    for sign in (1, -1):
        bound = fitted(kind, replace(rows, monotone={"size": sign, "noise": sign, "kind": sign}), 2)
        for name in ("size", "noise"):
            table = bound.tables[name]
            assert isinstance(table, NumberTable)
            assert list(table.values[1:]) == sorted(table.values[1:], reverse=sign < 0)
            # The mean over rows stays, and the unknown keeps its own.
            assert bound.terms(rows)[name].mean() == pytest.approx(free.terms(rows)[name].mean(), abs=1e-6)
            assert table.values[0] == free.tables[name].values[0]
        assert bound.tables["kind"] == free.tables["kind"]


def test_the_better_kind_on_the_newest_rows_is_chosen() -> None:
    told = trained(world(3000, seed=11))
    assert told.best is not None
    assert told.challenger is not None
    assert {told.best.kind, told.challenger.kind} == {EBM, LR_BINS}
    gain = told.challenger.refitted.log_loss - told.best.refitted.log_loss
    assert gain >= (-0.002 if told.best.kind == LR_BINS else 0.002)
