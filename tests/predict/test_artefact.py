"""A trained model's file: what it holds comes back as it was, and what is wrong with it is said in one line."""

import json
from typing import Any

import pytest

from scoring.predict import artefact
from scoring.predict.artefact import TableError, TableModel, read_table, version_of, versioned
from tests.predict.trained import raw_model

Row = dict[str, Any]


def model() -> TableModel:
    return versioned(TableModel.model_validate_json(json.dumps(raw_model())))


def test_a_file_comes_back_bit_for_bit() -> None:
    written = model()
    read = read_table(written.as_json().encode())
    assert read == written
    assert read.as_json() == written.as_json()
    given = [float(entry["log_odds"]) for term in raw_model()["terms"] for entry in term["bins"]]
    assert [entry.log_odds.hex() for term in read.terms for entry in term.bins] == [value.hex() for value in given]


def test_evidence_weighs() -> None:
    assert model().weight == 360 / 480


def test_the_version_changes_with_every_part() -> None:
    base = model()
    changes: list[Row] = [{"intercept": -2.4}, {"card": {}}, {"as_of": "2026-05-30T00:00:00Z"}, {"rules": None}]
    for change in changes:
        assert version_of(base.model_copy(update=change)) != base.version


def broken(path: tuple[Any, ...], value: object) -> bytes:
    raw: Any = json.loads(model().as_json())
    holder = raw
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return json.dumps(raw).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"\x80\x04pickle", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not a trained model"),
        (b'{"schema": 1}', "is not a trained model"),
        (broken(("schema",), 3), "has schema 3, this version reads 1 and 2"),
        (broken(("schema",), "1"), "has schema '1', this version reads 1 and 2"),
        (broken(("schema",), 2), "'segment', 'segments' and schema 2 belong together"),
        (broken(("terms",), [{}] * 201), "has 201 features, 200 is the most"),
        (broken(("terms", 0, "cuts"), [3.0]), "size: 4 bins for 1 edges, 3 are needed"),
        (broken(("terms", 0, "cuts"), [3.0, 3.0]), "size: the cuts must rise"),
        (broken(("terms", 1, "levels"), ["de", "de"]), "land: two levels are equal"),
        (broken(("terms", 0, "bins", 2, "log_odds"), "1"), "terms.0.bins.2.log_odds: input should be a valid number"),
        (broken(("terms", 0, "bins", 2, "log_odds"), float("nan")), "terms.0.bins.2.log_odds"),
        (broken(("terms", 1, "feature", "id"), "Size"), "differ in case alone"),
        (broken(("lo",), 1.5), "lo = 1.5 is not below hi = 1.5"),
        (broken(("n_conversions",), 4001), "4001 conversions in 4000 rows"),
        (broken(("extra",), 1), "extra: extra inputs are not permitted"),
        (broken(("version",), "xyz"), "'xyz' is not 12 hex digits"),
        (broken(("intercept",), -2.0), "is not as it was trained"),
        (broken(("card", "holdout"), []), "is not as it was trained"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(content: bytes, said: str) -> None:
    with pytest.raises(TableError) as raised:
        read_table(content)
    assert len(raised.value.problems) == 1
    assert "\n" not in raised.value.problems[0]
    assert said in raised.value.problems[0]


def test_a_file_beyond_all_measure_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artefact, "MOST_BYTES", 100)
    with pytest.raises(TableError, match=r"bytes, 100 is the most"):
        read_table(model().as_json().encode())
