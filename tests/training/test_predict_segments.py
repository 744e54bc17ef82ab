"""Tables of their own for segments: where what counts differs, and nowhere else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

pytest.importorskip("interpret", reason="needs the train extra")
pytest.importorskip("sklearn", reason="needs the train extra")

import numpy as np

from connector.output import Output
from connector.store.versions import Version
from connector.trained.card import lines_of
from scoring.predict.artefact import Feature, TableModel, Term, read_table
from scoring.predict.leaks import Suspect
from scoring.predict.train import Request, train
from scoring.predict.train_artefact import artefact
from scoring.predict.train_matrix import DAY_S, Rows
from scoring.predict.train_segments import Segmented, gained, segmented
from scoring.predict.train_tables import sigmoids

REQUEST = Request(horizon_days=30, now=datetime(2026, 1, 1, tzinfo=UTC))
REGION = Feature(id="region", label="region", kind="attribute", role="categorical", field="region")
FEATURES = [Feature(id="size", label="size", kind="attribute", field="size"), REGION]


def world(n: int) -> Rows:
    """Draw rows where size counts for emea and apac, and the other way round for amer; few are of anz."""
    draw = np.random.default_rng(3)
    at_s = datetime(2024, 1, 1, tzinfo=UTC).timestamp() + np.sort(draw.uniform(0, 600, n)) * DAY_S
    region = draw.choice(
        np.asarray(["emea", "apac", "amer", "anz", None], dtype=object), n, p=[0.6, 0.12, 0.18, 0.05, 0.05]
    )
    size = draw.uniform(0, 100, n)
    truth = -3.4 + 0.04 * np.where(region == "amer", 100 - size, size)
    won = (draw.random(n) < sigmoids(truth)).astype(float)
    subjects = np.asarray([f"p{i}" for i in range(n)], dtype=object)
    return Rows(subjects, at_s, won, {"size": size}, {"region": region})


@pytest.fixture(scope="module")
def found() -> tuple[Rows, Segmented, TableModel]:
    rows = world(2400)
    trained = train(rows, REQUEST)
    parts = segmented(trained, rows, REGION, REQUEST)
    return rows, parts, artefact(trained, REQUEST, FEATURES, "closed_won", None, parts)


def test_a_segment_that_differs_has_its_own_tables_and_the_card_says_why_others_have_not(
    found: tuple[Rows, Segmented, TableModel],
) -> None:
    _, parts, model = found
    told = {one.id: one.as_dict() for one in parts.each}
    assert told["amer"]["own_tables"]
    assert told["amer"]["log_loss"] < told["amer"]["shared_log_loss"] - 0.05
    assert not told["anz"]["own_tables"]
    assert "300 are needed" in told["anz"]["why"][0]
    assert model.card["segments"] == parts.as_dict()
    assert read_table(model.as_json().encode()) == model
    assert (model.schema_, model.segment) == (2, REGION)
    assert [one.id for one in model.segments] == [one.id for one in parts.each if one.tables is not None]


def test_the_card_tells_a_person_all_that_the_file_holds(
    found: tuple[Rows, Segmented, TableModel], capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, model = found
    card = {**model.card, "monotone": {"size": 1}, "auc_without_refused": 0.71, "auc_with_refused": 0.99}
    told = {**model.model_dump(mode="json", by_alias=True), "card": card}
    kept = Version("new_business", model.version, "candidate", REQUEST.now, "train", None, None, told)
    Output().result({}, lines_of(kept, model))
    words = capsys.readouterr().out
    for said in (
        f"model new_business, version {model.version}: candidate, made 01 Jan 2026 00:00 UTC by train, never in use",
        "foretells closed_won within 30 days",
        f"learned from {model.n_rows:,} rows",
        "on the newest rows, which it never saw",
        "foretold and come true",
        "features, by the points that they move on a scale of 100",
        "held to what the team said of more of it: size never lowers a score",
        "honest AUC 0.710 without them; with them it would look like 0.990",
    ):
        assert said in words
    rows = {line.split()[0]: line for line in words.splitlines() if line[:4] in ("amer", "anz ")}
    assert " own " in rows["amer"]
    assert "300 are needed" in rows["anz"]


def at(terms: tuple[Term, ...], name: str, value: float) -> float:
    term = next(term for term in terms if term.feature.id == name)
    return term.bins[1 + sum(value >= cut for cut in term.cuts)].log_odds


def test_what_counts_in_a_segment_is_in_its_tables(found: tuple[Rows, Segmented, TableModel]) -> None:
    rows, _, model = found
    amer = next(one for one in model.segments if one.id == "amer")
    assert at(amer.terms, "size", 80.0) < at(amer.terms, "size", 20.0) - 1
    assert at(model.terms, "size", 80.0) > at(model.terms, "size", 20.0)
    assert amer.n_rows == int((rows.texts["region"] == "amer").sum())
    assert amer.n_conversions == int(rows.converted[rows.texts["region"] == "amer"].sum())
    assert sum(one.n for one in amer.terms[0].bins) == amer.n_rows


def test_a_leak_or_a_refusal_leaves_no_segments(found: tuple[Rows, Segmented, TableModel]) -> None:
    rows, _, _ = found
    few = train(rows.take(np.arange(100)), REQUEST)
    assert segmented(few, rows, REGION, REQUEST).why is not None
    leaky = replace(few, suspects=(Suspect("region", "block", "it tells"),))
    assert segmented(leaky, rows, REGION, REQUEST).why == "the field is left out: it tells"


def test_the_rows_of_one_person_are_no_more_evidence_than_one() -> None:
    once = world(400)
    better, worse = sigmoids(np.where(once.converted > 0, 0.3, -0.3)), np.full(400, 0.5)
    many = np.repeat(np.arange(400), 5)
    gain, error = gained(worse, better, once)
    again, same = gained(worse[many], better[many], once.take(many))
    assert gain == pytest.approx(again)
    assert error == pytest.approx(same)
    assert gain > 10 * error
    assert gained(worse, worse, once) == (0.0, 0.0)
