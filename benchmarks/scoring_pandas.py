"""The benchmark's model in pandas: totals, the rows that explain them and reasons, as the product gives them.

Reads the same model file and knows the keys that this model uses, no more; no part of the product is used but its list
of free mail domains. pandas is imported late: the product does not depend on it.
"""

import importlib
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.scoring_pandas_rows import Part, corrections, write_rows
from scoring.lists import read_lists

DAY_S = 86_400.0
PEOPLE = (
    *("person_id", "kind", "account_id", "email", "phone", "title", "seniority", "department", "buying_role"),
    *("country", "source", "opted_out", "created_at"),
)
ACCOUNTS = ("account_id", "industry", "employees", "revenue", "technologies", "type")
EVENTS = ("person_id", "type", "occurred_at", "url", "value", "is_bot")


class Model:
    """Hold the tables of the model and the data frames that its rules read."""

    def __init__(self, folder: Path, model: Path, as_of: str) -> None:
        """Read everything; `as_of` is ISO 8601."""
        self.pd: Any = importlib.import_module("pandas")
        self.spec = tomllib.loads(model.read_text(encoding="utf-8"))
        self.as_of_s = int(datetime.fromisoformat(as_of).timestamp())
        self.people = self._people(folder)
        self.events = self._events(folder)
        self.lists = read_lists()

    def _people(self, folder: Path) -> Any:  # noqa: ANN401 - pandas is not there to be named
        people = self.pd.read_parquet(folder / "people.parquet", columns=list(PEOPLE))
        accounts = self.pd.read_parquet(folder / "accounts.parquet", columns=list(ACCOUNTS)).add_prefix("account.")
        people = people.merge(accounts, how="left", left_on="account_id", right_on="account.account_id")
        people["created_at"] = self._seconds(people["created_at"])
        people["email_domain"] = people["email"].str.rsplit("@", n=1).str[-1]
        texts = (*PEOPLE[1:11], "email_domain", "account.industry", "account.type")
        for name in set(texts) - {"account_id", "email"}:
            people[name] = people[name].str.lower().str.strip()
        people["account.technologies"] = people["account.technologies"].map(_lowered, na_action="ignore")
        return people[people["created_at"].isna() | (people["created_at"] <= self.as_of_s)].reset_index(drop=True)

    def _events(self, folder: Path) -> Any:  # noqa: ANN401 - as above
        events = self.pd.read_parquet(folder / "events.parquet", columns=list(EVENTS))
        events["age_s"] = self.as_of_s - self._seconds(events["occurred_at"])
        events = events[(events["age_s"] >= 0) & ~events["is_bot"].fillna(False)]
        events["type"] = events["type"].astype("category")
        events["url"] = events["url"].str.lower()
        events["position"] = self.pd.Index(self.people["person_id"]).get_indexer(events["person_id"])
        return events[events["position"] >= 0].drop(columns=["person_id", "occurred_at", "is_bot"])

    def _seconds(self, times: Any) -> Any:  # noqa: ANN401 - as above
        return times.astype("datetime64[s]").astype("int64").where(times.notna())

    def condition(self, of: Any, frame: Any) -> Any:  # noqa: ANN401 - as above
        """Say for each row whether a condition holds; false where the field is unknown."""
        if "all" in of:
            first, *rest = (self.condition(part, frame) for part in of["all"])
            for part in rest:
                first = first & part
            return first
        if "not" in of:
            return ~self.condition(of["not"], frame)
        field, (operator, operand) = frame[of["field"]], next(item for item in of.items() if item[0] != "field")
        return self.comparison(field, operator, operand).fillna(False).astype(bool)

    def comparison(self, field: Any, operator: str, operand: Any) -> Any:  # noqa: ANN401 - as above
        """Compare a column; null may come back where it is unknown."""
        match operator:
            case "is":
                return field == (operand.lower() if isinstance(operand, str) else operand)
            case "in":
                return field.isin([one.lower() for one in operand])
            case "not_in":
                return field.notna() & ~field.isin([one.lower() for one in operand])
            case "in_list":
                return field.isin(sorted(self.lists[operand]))
            case "contains":
                return field.str.contains(operand, regex=False)
            case "contains_any" if field.name == "account.technologies":
                return field.map(lambda found: any(one in found for one in operand), na_action="ignore")
            case "contains_any":
                return field.str.contains("|".join(operand))
            case "starts_with":
                return field.str.startswith(operand)
            case "matches":
                return field.str.contains(operand)
            case "gte":
                return field >= operand
            case "missing":
                return field.isna()
            case "newer_than":
                age_s = self.as_of_s - field
                return (age_s >= 0) & (age_s < _seconds(operand))
            case _:
                raise ValueError(f"operator {operator} is not in this baseline")

    def fit(self, rule: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
        """Give a fit rule's points."""
        if "brackets" not in rule:
            return self.condition(rule["when"], self.people) * float(rule["points"])
        value, points = self.people[rule["field"]], self.people[rule["field"]] * 0.0
        low = float("-inf")
        for row in rule["brackets"]:
            below = row.get("below", float("inf"))
            points = points.mask((value >= low) & (value < below), float(row["points"]))
            low = below
        return points.fillna(0.0)

    def matching(self, rule: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
        """Give position and age of the events that a rule matches, windows aside."""
        types = [rule["event"]] if isinstance(rule["event"], str) else rule["event"]
        found = self.events[self.events["type"].isin(types)]
        found = found[self.condition(rule["where"], found)] if "where" in rule else found
        return found[["position", "age_s"]]

    def engagement(self, rule: Mapping[str, Any], matching: Any) -> Any:  # noqa: ANN401 - as above
        """Give an engagement rule's points."""
        within = matching[matching["age_s"] < _seconds(rule["within"])] if "within" in rule else matching
        by_person = within.groupby("position")["age_s"]
        if rule.get("award") == "once":
            points = _left(rule["decay"], by_person.min())
        else:
            points = _left(rule["decay"], within["age_s"]).groupby(within["position"]).sum()
        if "at_least" in rule:
            points = points.where(by_person.count() >= rule["at_least"], 0.0)
        points = self.spread(points, 0.0) * float(rule["points"])
        return points.clip(-rule["cap"], rule["cap"]) if "cap" in rule else points

    def spread(self, values: Any, otherwise: float | None) -> Any:  # noqa: ANN401 - as above
        """Give everybody a row."""
        spread = values.reindex(self.people.index)
        return spread if otherwise is None else spread.fillna(otherwise)


def write_scores(folder: Path, file: Path, as_of: str) -> None:
    """Write totals and reasons of everybody, and the rows that explain them, as Parquet into the folder."""
    model = Model(folder, file, as_of)
    fit = {rule["id"]: model.fit(rule) for rule in model.spec["fit"]}
    matching = {rule["id"]: model.matching(rule) for rule in model.spec["engagement"] if "event" in rule}
    engagement = {rule["id"]: model.engagement(rule, matching[rule["id"]]) for rule in _with_events(model)}
    idle_s = _idle_s(model, matching)
    for rule in model.spec["engagement"]:
        if "no_event_for" in rule:
            engagement[rule["id"]] = (idle_s >= _seconds(rule["no_event_for"])) * float(rule["points"])
    gains = _gains(model, engagement)
    of_fit = _groups(model, model.spec["fit"], fit, {})
    of_engagement = _groups(model, model.spec["engagement"], engagement, gains)
    kept = _kept(model, idle_s)
    positive, negative = (sum(_half(after, sign) for _, after in of_engagement.values()) for sign in (1, -1))
    combined = sum(after for _, after in of_fit.values()) + negative + kept * positive
    scaled = combined.clip(0.0, 100.0)
    total = _in_state(model, scaled)
    groups = {name: sums for name, sums in {**of_fit, **of_engagement}.items() if name in model.spec["group"]}
    parts = [
        *_rule_parts(model, fit, engagement, matching),
        *(Part(f"{name}_gain", "multiply", "multiplier", gain) for name, gain in gains.items()),
        *corrections(groups, total, scaled, combined, (kept - 1.0) * positive),
    ]
    write_rows(model, parts, total, folder)


def _rule_parts(
    model: Model, fit: Mapping[str, Any], engagement: Mapping[str, Any], matching: Mapping[str, Any]
) -> list[Part]:
    found = [Part(rule["id"], "fit", rule["id"].replace("_", " "), fit[rule["id"]]) for rule in model.spec["fit"]]
    for rule in model.spec["engagement"]:
        ages = matching.get(rule["id"])
        if ages is not None and "within" in rule:
            ages = ages[ages["age_s"] < _seconds(rule["within"])]
        label = rule["id"].replace("_", " ")
        found.append(Part(rule["id"], "engagement", label, engagement[rule["id"]], ages))
    return found


def _idle_s(model: Model, matching: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    """Give the age of the newest counted activity."""
    newest = [
        matching[rule["id"]].groupby("position")["age_s"].min() for rule in _with_events(model) if rule["points"] > 0
    ]
    return model.spread(model.pd.concat(newest).groupby(level=0).min(), None)


def _kept(model: Model, idle_s: Any) -> Any:  # noqa: ANN401 - as above
    """Give the share of the positive engagement that silence leaves."""
    kept = idle_s * 0.0 + 1.0
    for step in model.spec["inactivity"]["steps"]:
        kept = kept.mask(idle_s >= _seconds(step["after"]), step["keep"])
    return kept.fillna(1.0)


def _with_events(model: Model) -> list[Any]:
    return [rule for rule in model.spec["engagement"] if "event" in rule]


def _gains(model: Model, points: Mapping[str, Any]) -> dict[str, Any]:
    """Give what multipliers add to each group."""
    gains: dict[str, Any] = {}
    for rule in model.spec["multiply"]:
        matching = model.matching(rule)
        recent = matching.loc[matching["age_s"] < _seconds(rule["within"]), "position"].unique()
        members = [one["id"] for one in model.spec["engagement"] if one.get("group") == rule["group"]]
        gain = (sum(points[one] for one in members).clip(lower=0.0) * (rule["factor"] - 1)).clip(
            upper=rule["max_points"]
        )
        gains[rule["group"]] = gains.get(rule["group"], 0.0) + gain.where(model.people.index.isin(recent), 0.0)
    return gains


def _groups(
    model: Model,
    rules: Iterable[Mapping[str, Any]],
    points: Mapping[str, Any],
    gains: Mapping[str, Any],
) -> dict[str, tuple[Any, Any]]:
    """Give the sum of every group before and after its bounds, and of each rule without a group."""
    sums: dict[str, Any] = {}
    for rule in rules:
        name = rule.get("group", f"rule {rule['id']}")
        sums[name] = sums.get(name, 0.0) + points[rule["id"]]
    bounds = model.spec["group"]
    gained = {name: of + gains.get(name, 0.0) for name, of in sums.items()}
    return {
        name: (of, of.clip(bounds.get(name, {}).get("floor"), bounds.get(name, {}).get("cap")))
        for name, of in gained.items()
    }


def _in_state(model: Model, total: Any) -> Any:  # noqa: ANN401 - as above
    """Put 0 in place of the total of the suppressed, the disqualified and the gated."""
    out = model.condition(model.spec["suppress"]["when"], model.people)
    for rule in model.spec["fit"]:
        if rule.get("disqualify"):
            out |= model.condition(rule["when"], model.people)
        if rule.get("gate"):
            known = model.people[rule["when"]["field"]].notna()
            out |= known & ~model.condition(rule["when"], model.people)
    return total.mask(out, 0.0)


def _half(of: Any, sign: int) -> Any:  # noqa: ANN401 - as above
    return of.clip(lower=0.0) if sign > 0 else of.clip(upper=0.0)


def _left(decay: Any, age_s: Any) -> Any:  # noqa: ANN401 - as above
    """Give the share of the points left at each age."""
    if decay == "none":
        return age_s * 0.0 + 1.0
    if "half_life" in decay:
        return 0.5 ** (age_s / _seconds(decay["half_life"]))
    if "linear" in decay:
        return (1.0 - age_s / _seconds(decay["linear"])).clip(lower=0.0)
    lost, period_days = (decay["per_week"], 7) if "per_week" in decay else (decay["per_month"], 30)
    return (1.0 - lost) ** (age_s // (period_days * DAY_S))


def _seconds(duration: str) -> float:
    return int(duration.removesuffix("d")) * DAY_S


def _lowered(found: Any) -> list[str]:  # noqa: ANN401 - as above
    return [one.lower() for one in found]
