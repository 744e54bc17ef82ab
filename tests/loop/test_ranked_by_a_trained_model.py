"""What a trained model says is written: the order inside a band, its probability, and what it would do on trial."""

import json
import math

import pytest

from connector.doctor import unlearned
from connector.loading import load_parts
from connector.provisioning import provision
from scoring.predict.artefact import TableModel, versioned
from tests.loop.loops import MODEL, Loop
from tests.loop.versions_world import OLD, PREDICTIVE, score_by, write_model
from tests.predict.trained import bins, raw_model

CALLS = {"id": "calls", "label": "called", "kind": "count", "event": ["call"]}
OWN = {"id": "rank", "label": "seniority", "kind": "attribute", "role": "categorical", "field": "seniority"}
TERMS = [
    {"feature": CALLS, "cuts": [0.5, 1.5], "bins": bins(0, -1, 0.5, 1.5)},
    {"feature": OWN, "levels": ["c_level"], "bins": bins(0.2, -0.75, 0)},
]
RANK = 'scale = { min = 0, max = 100 }\n[combine]\nkind = "rank"\nmodel = "table.json"\n'
LIKELY = 100 / (1 + math.exp(-0.5))


def test_people_of_a_band_are_called_in_the_order_of_the_trained_model(fresh: Loop) -> None:
    raw = {**raw_model(), "intercept": -1.0, "terms": TERMS}
    table = versioned(TableModel.model_validate_json(json.dumps(raw)))
    (fresh.folder / "table.json").write_text(table.as_json(), encoding="utf-8")
    (fresh.folder / "model.toml").write_text(MODEL.replace('id = "titles"\n', f'id = "titles"\n{RANK}'), "utf-8")
    fresh.sync()
    name = "Leadlight_Priority__c" if fresh.crm == "salesforce" else "leadlight_priority"
    people = {who: person["fields"] for who, person in fresh.people().items()}
    # Nobody called p00, a chief: -1 - 1 - 0.75. The clerk p08 was called twice: -1 + 1.5.
    assert float(people["p00"][fresh.words.score]) == 60
    assert people["p00"][fresh.words.band] == "hot"
    assert float(people["p00"][name]) == pytest.approx(206.01, abs=0.5)
    assert people["p08"][fresh.words.band] == "cold"
    assert float(people["p08"][name]) == pytest.approx(LIKELY, abs=0.5)


LEARNED = ("probability", "model_total", "model_band")


def told_by_doctor(loop: Loop) -> list[str]:
    _, models, mapping = load_parts(loop.config)
    return [check.detail for check in unlearned(models, mapping)]


def test_what_a_model_on_trial_says_stands_beside_the_rules_in_fields_of_its_own(fresh: Loop) -> None:
    names = {
        name: f"Leadlight_{name.title()}__c" if fresh.crm == "salesforce" else f"leadlight_{name}" for name in LEARNED
    }
    lines = [f'{name} = {{ field = "{field}", from = "{name}" }}' for name, field in names.items()]
    own = "\n".join([f'extends = "{fresh.crm}"', "[write.person]", *lines, ""])
    (fresh.folder / "own.toml").write_text(own, encoding="utf-8")
    text = fresh.config.read_text("utf-8").replace(f'mapping = "{fresh.crm}"', 'mapping = "own.toml"')
    fresh.config.write_text(text, encoding="utf-8")
    made = {target.rpartition(".")[2] for target in provision(fresh.config)[0]}
    assert made == set(names.values())
    score_by(fresh, OLD)
    write_model(fresh, PREDICTIVE + "shadow = true\n")
    fresh.sync()
    people = {who: person["fields"] for who, person in fresh.people().items()}
    told = {who: [people[who][names[name]] for name in LEARNED] for who in ("p00", "p05", "p20")}
    assert [float(value) for value in told["p00"][:2]] == [0.73, 75]  # 1 / (1 + e^-1), and (1 + 2) / 4
    assert [float(value) for value in told["p20"][:2]] == [0.27, 25]
    assert [told[who][2] for who in ("p00", "p05", "p20")] == ["hot", "hot", "warm"]
    assert [people[who][fresh.words.band] for who in ("p00", "p05", "p20")] == ["hot", "warm", "cold"]
    assert told_by_doctor(fresh) == []
    write_model(fresh, "")  # without a trained model there is nothing to say, and nothing stays behind
    fresh.advance(60)
    fresh.sync(allowed=("model_changed",))
    people = {who: person["fields"] for who, person in fresh.people().items()}
    assert [people["p00"].get(names[name]) or None for name in LEARNED] == [None, None, None]
    assert [text.split(":")[0] for text in told_by_doctor(fresh)] == [f"write.person.{name}" for name in LEARNED]
