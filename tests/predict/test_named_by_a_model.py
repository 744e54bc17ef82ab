"""A model file names a trained model: what is wrong with that is one clear error, and the hash knows the version."""

import json
from pathlib import Path
from typing import Any

import pytest

from connector.engine.statements import statement_key
from scoring.model import Model, ModelError, check_known, load_model, model_events, model_fields
from scoring.predict.artefact import TableModel, versioned
from tests.predict.trained import raw_model

MODEL = """
[model]
id = "m"
scale = { min = 0, max = 100 }
[combine]
kind = "blend"
model = "models/t.json"
[[fit]]
id = "a"
when = { field = "kind", is = "lead" }
points = 20
"""


def written(folder: Path, text: str = MODEL, **changes: Any) -> Path:  # noqa: ANN401 - any part of a trained model
    raw = {**raw_model(), **changes}
    table = versioned(TableModel.model_validate_json(json.dumps(raw)))
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / "t.json").write_text(table.as_json(), encoding="utf-8")
    path = folder / "m.toml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, **changes: Any) -> Model:  # noqa: ANN401 - as above
    return load_model(written(folder, **changes))


def test_what_a_trained_model_reads_is_what_the_model_reads(tmp_path: Path) -> None:
    count = {"id": "calls", "label": "calls", "kind": "count", "event": ["call", "fax"]}
    terms = [*raw_model()["terms"], {"feature": count, "cuts": [1.0], "bins": [{"log_odds": 0.0}] * 3}]
    model = loaded(tmp_path, terms=terms)
    assert model_fields(model) == {"kind", "country", "account.employees"}
    assert model_events(model) == {"call", "fax"}
    said = check_known(model, frozenset({"kind", "account.employees"}), frozenset())
    assert [line.split(": ", 1)[1] for line in said] == [
        "there is no field 'country'",
        "there is no event type 'fax'",
    ]


def test_another_version_is_another_model_and_another_statement(tmp_path: Path) -> None:
    one = loaded(tmp_path)
    same = loaded(tmp_path)
    other = loaded(tmp_path, intercept=-2.25)
    assert one.hash == same.hash
    assert one.hash != other.hash
    assert statement_key(one, None, {}) == statement_key(same, None, {}) != statement_key(other, None, {})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subject": "account"}, "models/t.json: is trained on accounts, the model scores persons"),
        ({"rules": None}, "models/t.json: has no alpha and beta"),
    ],
)
def test_a_trained_model_of_something_else_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError) as raised:
        loaded(tmp_path, **changes)
    assert len(raised.value.problems) == 1
    assert said in raised.value.problems[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "m.toml: combine.model: models/t.json: cannot be read (No such file or directory); train one"),
        (b"{", "m.toml: combine.model: models/t.json: is not JSON"),
        (b'{"schema": 7, "terms": []}', "m.toml: combine.model: models/t.json: has schema 7, this version reads 1"),
    ],
)
def test_a_file_that_is_not_a_trained_model_is_one_error(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = written(tmp_path)
    file = tmp_path / "models" / "t.json"
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(ModelError) as raised:
        load_model(path)
    assert len(raised.value.problems) == 1
    assert said in raised.value.problems[0]


def test_a_scale_without_an_end_has_no_place_for_log_odds(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="needs a scale with two ends"):
        load_model(written(tmp_path, MODEL.replace("scale = { min = 0, max = 100 }", "")))


def test_an_override_outside_the_scale_is_refused(tmp_path: Path) -> None:
    text = MODEL + '[[override]]\nid = "vip"\nwhen = { field = "kind", is = "x" }\nat_least = 101\n'
    with pytest.raises(ModelError, match=r"override\.vip\.at_least: 101 is outside the scale"):
        load_model(written(tmp_path, text))
