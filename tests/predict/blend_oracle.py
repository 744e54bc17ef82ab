"""An independent reading of predictive models in plain Python, on top of the plain reading of the rules.

It reads the same model file and the JSON of the same trained model, and shares no code with the engine.
"""

import copy
import json
import math
from datetime import datetime
from typing import Any

from tests.predict.feature_oracle import features_at
from tests.scoring.oracle import Oracle
from tests.scoring.oracle_subject import Subject
from tests.scoring.oracle_values import Row, known


def log_odds_of(term: Row, value: Any) -> float:  # noqa: ANN401 - a number, a text or nothing
    """Look a value up in the table of a feature."""
    bins = [entry["log_odds"] for entry in term["bins"]]
    if known(value) is None:
        return float(bins[0])
    if term["feature"].get("role") == "categorical":
        levels = term.get("levels", [])
        return float(bins[levels.index(value) + 1] if value in levels else bins[-1])
    return float(bins[1 + sum(value >= cut for cut in term.get("cuts", []))])


def own_tables(table: Row, values: Row) -> Row:
    """Give the tables that a subject's log-odds are of: those of its segment, if there are any, or the model's."""
    segment = values[table["segment"]["id"]] if "segment" in table else None
    return next((one for one in table.get("segments", []) if one["id"] == segment), table)


def summed(table: Row, values: Row) -> float:
    """Give the log-odds of a subject, added up in the order of the file."""
    table = own_tables(table, values)
    found = float(table["intercept"])
    for term in table["terms"]:
        found += log_odds_of(term, values[term["feature"]["id"]])
    return found


class Predicting(Oracle):
    """Scores by a model file and a trained model."""

    def __init__(self, model: str, table: str, *, as_of: datetime, lists: dict[str, set[str]] | None = None) -> None:
        super().__init__(model, as_of=as_of, lists=lists)
        self.table: Row = json.loads(table)

    def subject(self, row: Row, account: Row, events: list[Row], ledger: list[Row]) -> "Predicted":
        """Make a subject that knows all of its events, since corrections wipe out none for a trained model."""
        plain = super().subject(row, account, events, ledger)
        found = Predicted(self.model, plain.person, plain.account, plain.events, self.lists, self.now)
        found.ledger, found.table = plain.ledger, self.table
        parts = [self.table, *self.table.get("segments", [])]
        features = [term["feature"] for part in parts for term in part["terms"]]
        features += [self.table["segment"]] if "segment" in self.table else []
        found.values = features_at(features, row, account, events, self.now)
        return found


class Predicted(Subject):
    """One subject with the features of its trained model."""

    table: Row
    values: Row

    def result(self) -> Row:
        combine = self.model.get("combine", {})
        kind, shadow = combine["kind"], combine.get("shadow", False)
        self.model = copy.deepcopy(self.model)
        self.model["combine"]["kind"] = "weighted" if "fit" in combine else "sum"
        rules = super().result()
        scaled = sum(row["points"] for (of, _), row in self.rows.items() if of != "state")
        share = self.share(kind)
        log_odds = share * summed(self.table, self.values) + (1 - share) * self.said_by_rules(kind, scaled)
        low, high = self.scale()
        on_scale = low + (high - low) * (log_odds - self.table["lo"]) / (self.table["hi"] - self.table["lo"])
        probability = 1 / (1 + math.exp(-log_odds))
        out = rules["state"] in ("suppressed", "disqualified")
        priority = None if out else low + (high - low) * probability
        beside: Row = {"probability": probability} | ({"priority": priority} if kind == "rank" else {})
        inside = max(min(on_scale, high), low)
        if shadow:
            total = round(self.in_state(rules["state"], self.bounded_by_overrides(inside)), 9)
            beside |= {"model_total": total, "model_band": self.first_band(rules["state"], {**rules, "total": total})}
        if kind in ("predictive", "blend") and not shadow:
            self.tell(kind, share, inside - on_scale)
            scaled = inside
        return {**rules, **self.finished(rules, scaled), **beside}

    def scale(self) -> tuple[float, float]:
        scale = self.model["model"]["scale"]
        return scale["min"], scale["max"]

    def share(self, kind: str) -> float:
        n = own_tables(self.table, self.values)["n_conversions"]
        return float(n / (n + 120)) if kind == "blend" else 1.0

    def said_by_rules(self, kind: str, points: float) -> float:
        rules = self.table["rules"]
        return float(rules["alpha"] + rules["beta"] * points) if kind == "blend" else 0.0

    def tell(self, kind: str, share: float, clamped: float) -> None:
        """Put rows of the trained model in the place of the rules', or beside what those are worth in a blend."""
        low, high = self.scale()
        slope = (high - low) / (self.table["hi"] - self.table["lo"])
        worth = slope * (1 - share) * self.table["rules"]["beta"] if kind == "blend" else 0.0
        rows = {key: {**row, "points": row["points"] * worth} for key, row in self.rows.items() if key[0] != "state"}
        rows["scale_clamp", "rules"] = rows.pop(("scale_clamp", "scale"))
        self.rows = rows
        own = own_tables(self.table, self.values)
        for term in own["terms"]:
            name = term["feature"]["id"]
            self.add("model", name, slope * share * log_odds_of(term, self.values[name]))
        alpha = self.table["rules"]["alpha"] if kind == "blend" else 0.0
        start = share * own["intercept"] + (1 - share) * alpha
        self.add("link", "link", low + slope * (start - self.table["lo"]))
        self.add("scale_clamp", "scale", clamped)

    def finished(self, rules: Row, scaled: float) -> Row:
        """Give what overrides and states leave, with their rows."""
        before = scaled
        for override in self.model.get("override", []):
            after = self.after(override, before)
            self.add("override", override["id"], after - before)
            before = after
        state = str(rules["state"])
        final = self.in_state(state, before)
        rule_id = {"suppressed": "suppress", "disqualified": "disqualify", "gated": "gate"}.get(state, state)
        self.add("state", rule_id, final - before)
        total = round(final, 9)
        rows = {key: row for key, row in self.rows.items() if abs(row["points"]) > 5e-13}
        return {"total": total, "contributions": rows, "band": self.band(state, {**rules, "total": total})}

    def first_band(self, state: str, figures: Row) -> str | None:
        """Give the band of somebody who was in none before."""
        other = copy.copy(self)
        other.person = {**self.person, "previous_band": None}
        return other.band(state, figures)

    def bounded_by_overrides(self, total: float) -> float:
        for override in self.model.get("override", []):
            total = self.after(override, total)
        return total

    def after(self, override: Row, total: float) -> float:
        if not self.holds(override["when"]):
            return total
        if "at_least" in override:
            return max(total, float(override["at_least"]))
        return min(total, float(override["at_most"]))

    def in_state(self, state: str, total: float) -> float:
        low = self.scale()[0]
        if state in ("suppressed", "disqualified"):
            return low
        ceiling = self.model.get("combine", {}).get("gate_ceiling", low)
        return float(min(total, ceiling)) if state == "gated" else total
