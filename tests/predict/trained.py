"""A small trained model, as its JSON has it."""

from typing import Any

Row = dict[str, Any]


def bins(*log_odds: float) -> list[Row]:
    """Make bins of these log-odds."""
    return [{"log_odds": value, "n": 100, "n_converted": 7} for value in log_odds]


def raw_model() -> Row:
    """Make a model of a number and a text."""
    size: Row = {"id": "size", "label": "employees", "kind": "attribute", "field": "account.employees"}
    land: Row = {"id": "land", "label": "country", "kind": "attribute", "role": "categorical", "field": "country"}
    return {
        "schema": 1,
        "version": "0" * 12,
        "target": "opportunity_created",
        "horizon_days": 90,
        "trained_at": "2026-06-01T00:00:00Z",
        "as_of": "2026-05-31T00:00:00Z",
        "n_rows": 4000,
        "n_conversions": 360,
        "intercept": -2.5,
        "terms": [
            {"feature": size, "cuts": [0.1, 1e300], "bins": bins(-0.1, 0.30000000000000004, 1, -2.25)},
            {"feature": land, "levels": ["de", "größe"], "bins": bins(0, 0.5, -0.5, 5e-324)},
        ],
        "lo": -4.0,
        "hi": 1.5,
        "rules": {"alpha": -3.0, "beta": 0.04},
        "card": {"holdout": [{"auc": 0.71}], "refused": {"status": "its name"}},
    }
