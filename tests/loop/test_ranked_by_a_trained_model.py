"""A trained model that ranks: rules route at once, and the order inside a band in the CRM is the trained model's."""

import json
import math

import pytest

from scoring.predict.artefact import TableModel, versioned
from tests.loop.loops import MODEL, Loop
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
