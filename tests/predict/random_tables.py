"""Random trained models over every kind of feature, with cuts and levels where the facts of random worlds are."""

import math
import tomllib
from random import Random
from typing import Any

from scoring.predict.artefact import TableModel, versioned
from tests.scoring.models import of_account, random_condition
from tests.scoring.oracle_values import known, text
from tests.scoring.toml_text import toml
from tests.scoring.worlds import NUMBERS, TEXTS

Row = dict[str, Any]
WEB = ["page_view", "demo_request"]
FEATURES: list[Row] = [
    {"id": "seniority", "kind": "attribute", "role": "categorical", "field": "seniority"},
    {"id": "vip", "kind": "attribute", "role": "categorical", "field": "vip"},
    {"id": "industry", "kind": "attribute", "role": "categorical", "field": "account.industry"},
    {"id": "domain", "kind": "attribute", "role": "categorical", "field": "email_domain"},
    {"id": "employees", "kind": "attribute", "field": "account.employees"},
    {"id": "nps", "kind": "attribute", "field": "nps"},
    {"id": "visits_7d", "kind": "count", "event": WEB, "within_days": 7},
    {"id": "visits", "kind": "count", "event": "page_view"},
    {
        "id": "pricing_30d",
        "kind": "count",
        "event": "page_view",
        "where": {"field": "url", "contains": "/PRICING"},
        "within_days": 30,
    },
    {"id": "words", "kind": "count", "where": {"field": "props.word", "is": "vp"}},
    {"id": "big", "kind": "count", "where": {"field": "value", "gte": 10.0}},
    {"id": "since_web", "kind": "recency_days", "event": WEB},
    {"id": "since_any", "kind": "recency_days"},
    {"id": "activity", "kind": "decayed", "event": [*WEB, "email_open"]},
    {"id": "fast_activity", "kind": "decayed", "half_life_days": 3},
    {"id": "days_14d", "kind": "active_days", "within_days": 14},
    {"id": "web_days", "kind": "active_days", "event": WEB},
    {"id": "age", "kind": "tenure_days"},
    {"id": "since_seen", "kind": "tenure_days", "field": "seen_at"},
]
OF_ACCOUNTS: list[Row] = [
    {"id": "sector", "kind": "attribute", "role": "categorical", "field": "industry"},
    {"id": "size", "kind": "attribute", "field": "account.employees"},
    {"id": "money", "kind": "attribute", "field": "revenue"},
]
SCALES: list[Row] = [{"min": 0, "max": 100}, {"min": 0, "max": 100}, {"min": -20, "max": 7.5}]


def random_table(random: Random, pool: list[Row], subject: str = "person") -> TableModel:
    """Make a trained model of some of these features."""
    features = [{"label": f"the {row['id']}", **row} for row in random.sample(pool, random.randrange(len(pool) + 1))]
    n_rows = random.choice([1, 300, 5000])
    low = random.uniform(-6, 1)
    rules = {"alpha": random.uniform(-4, 1), "beta": random.choice([0.0, 0.04, -0.01, 1.0])}
    raw: Row = {
        "version": "0" * 12,
        "target": "opportunity_created",
        "subject": subject,
        "horizon_days": 90,
        "trained_at": "2026-06-01T00:00:00Z",
        "as_of": "2026-05-31T00:00:00Z",
        "n_rows": n_rows,
        "n_conversions": random.randrange(n_rows + 1),
        "intercept": random.uniform(-5, 2),
        "terms": [_term(random, feature) for feature in features],
        "lo": low,
        "hi": low + random.choice([0.01, 3.0, 9.5]),
        "rules": rules,
    }
    if random.random() < 0.5:
        raw |= _segmented(random, features, subject)
    return versioned(TableModel.model_validate({"schema": 1, **raw}))


def _segmented(random: Random, features: list[Row], subject: str) -> Row:
    """Make segments by a field that may be a feature too, with tables of some of the features and of one more."""
    by = FEATURES[0] if subject == "person" else OF_ACCOUNTS[0]
    by = {**by, "label": f"the {by['id']}"}
    more: Row = {"kind": "tenure_days"} if subject == "person" else {"kind": "attribute", "field": "revenue"}
    more |= {"id": "of_segments", "label": "of segments alone"}
    values = sorted({text(word) for word in TEXTS if known(word)})
    segments = []
    for value in random.sample(values, random.randrange(1, 4)):
        own = random.sample([*features, more], random.randrange(len(features) + 2))
        n_rows = random.choice([1, 300, 5000])
        terms = tuple(_term(random, feature) for feature in own)
        part = {"id": value, "n_rows": n_rows, "n_conversions": random.randrange(n_rows + 1), "terms": terms}
        segments.append(part | {"intercept": random.uniform(-5, 2)})
    return {"schema": 2, "segment": by, "segments": tuple(segments)}


def _term(random: Random, feature: Row) -> Row:
    if feature.get("role") == "categorical":
        levels = sorted({text(word) for word in [*TEXTS, "acme.com", "true", "false"] if known(word)})
        levels = random.sample(levels, random.randrange(len(levels)))
        return {"feature": feature, "levels": tuple(levels), "bins": _bins(random, len(levels) + 2)}
    ends = [float(value) for value in NUMBERS if math.isfinite(value)] + [0.5, 1.5, 2.0, 7.0, 30.0, -1e9, 1e-300]
    cuts = sorted(random.sample(ends, random.randrange(len(ends))))
    return {"feature": feature, "cuts": tuple(cuts), "bins": _bins(random, len(cuts) + 2)}


def _bins(random: Random, count: int) -> tuple[Row, ...]:
    return tuple({"log_odds": random.choice([0.0, random.gauss(0, 1), random.gauss(0, 1)])} for _ in range(count))


def with_table(random: Random, model: str, *, of_accounts: bool = False) -> str:
    """Let the text of a model name the trained model `table.json`, in one of the ways in which it may."""
    raw = tomllib.loads(model)
    raw["model"]["scale"] = random.choice(SCALES)
    combine = raw.setdefault("combine", {})
    combine |= {"model": "table.json", "kind": random.choice(["predictive", "blend", "blend", "rank"])}
    if combine["kind"] != "rank" and random.random() < 0.4:
        combine["shadow"] = True
    if combine["kind"] == "predictive" and not combine.get("shadow"):
        combine.pop("fit", None)
        combine.pop("engagement", None)
    low, high = raw["model"]["scale"]["min"], raw["model"]["scale"]["max"]
    raw["override"] = [
        {
            "id": f"o{number}",
            "when": of_account(random, when) if of_accounts else when,
            random.choice(["at_least", "at_most"]): random.uniform(low, high),
        }
        for number, when in enumerate(random_condition(random, 1) for _ in range(random.choice([0, 0, 1, 3])))
    ]
    return "".join(f"{key} = {toml(value)}\n" for key, value in raw.items())
