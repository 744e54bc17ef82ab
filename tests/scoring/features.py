"""What random models and worlds hold, and whether it mattered: each feature beside a reading that leaves it out.

A feature counts as present when leaving it out changes the model or the facts, and as having mattered when the oracle
then gives somebody another result.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.scoring.oracle import Oracle
from tests.scoring.oracle_values import known, second
from tests.scoring.pairs import Pair
from tests.scoring.worlds import AS_OF, LISTS, Row

Tables = dict[str, Any]
OPERATORS = (
    *("is", "is_not", "in", "not_in", "in_list", "contains", "contains_any", "starts_with", "matches"),
    *("gt", "gte", "lt", "lte", "between", "missing", "present", "older_than", "newer_than"),
)
RULES = ("fit", "engagement")
NEVER: Row = {"any": []}


def features() -> Mapping[str, Callable[[Tables], None]]:
    """Give, for every feature of a model, what takes it out of a parsed model."""
    found: dict[str, Callable[[Tables], None]] = {f"operator {name}": _without_operator(name) for name in OPERATORS}
    found |= {f"combinator {name}": _without_combinator(name) for name in ("all", "any", "not")}
    found["condition on props"] = _without_field("props.")
    found["condition on account.X"] = _without_field("account.")
    found["condition on email_domain"] = _without_field("email_domain")
    for key in ("group", "gate", "unknown", "disqualify", "brackets", "pillar", "label"):
        found[f"fit {key}"] = _without_key("fit", key)
    keys = ("group", "where", "within", "at_least", "distinct", "cap", "decay", "award", "third_party")
    found |= {f"engagement {key}": _without_key("engagement", key) for key in keys}
    found |= {f"multiply {key}": _without_key("multiply", key) for key in ("where", "within")}
    found |= {f"decay {kind}": _without_decay(kind) for kind in ("half_life", "linear", "per_week", "per_month")}
    found["no_event_for alone"] = _without_rules(lambda rule: "no_event_for" in rule and "event" not in rule)
    found["no_event_for with event"] = _without_rules(lambda rule: "no_event_for" in rule and "event" in rule)
    found["no_event_for with where"] = _without_rules(lambda rule: "no_event_for" in rule and "where" in rule)
    found["no_event_for with cap"] = _without_rules(lambda rule: "no_event_for" in rule and "cap" in rule)
    found |= {f"group {key}": _without_nested("group", key) for key in ("cap", "floor")}
    found |= {f"pillar {key}": _without_nested("pillar", key) for key in ("cap", "floor")}
    segment = ("points", "caps", "band", "breadth", "coverage")
    found |= {f"segment {key}": _without_key("segment", key) for key in segment}
    band = ("at_least", "above", "release_below", "third_party")
    found |= {f"band {key}": _without_key("band", key) for key in band}
    needs = ("fit_at_least", "engagement_at_least", "when")
    found |= {f"band needs {key}": _without_needs(key) for key in needs}
    for path in PATHS:
        found[path.replace(".", " ")] = _without_path(*path.split("."))
    return found


PATHS = (
    *("model.audience", "model.scale", "model.scale.min", "model.scale.max", "multiply", "suppress", "segment"),
    *("inactivity.steps", "inactivity.per_period", "inactivity.per_period.starts_after"),
    *("inactivity.per_period.zero_after", "decay.default", "combine.fit", "combine.gate_ceiling"),
    *("grade.fit", "grade.fit.else", "grade.fit.A-", "grade.engagement", "pillars", "rollup.of", "rollup.role_weights"),
    *("rollup.k", "rollup.ratio", "rollup", "breadth", "breadth.cap", "coverage"),
)


def _conditions(content: Any) -> Iterator[Row]:  # noqa: ANN401 - walks a parsed file
    if isinstance(content, list):
        for part in content:
            yield from _conditions(part)
    elif isinstance(content, dict):
        yield content
        for part in content.values():
            yield from _conditions(part)


def _become(condition: Row, other: Row) -> None:
    condition.clear()
    condition.update(other)


def _without_operator(name: str) -> Callable[[Tables], None]:
    def take_out(model: Tables) -> None:
        for condition in list(_conditions(model)):
            if "field" in condition and name in condition:
                _become(condition, NEVER)

    return take_out


def _without_combinator(name: str) -> Callable[[Tables], None]:
    other = {"all": "any", "any": "all"}

    def take_out(model: Tables) -> None:
        for condition in list(_conditions(model)):
            if name == "not" and name in condition:
                _become(condition, dict(condition["not"]))
            elif isinstance(condition.get(name), list) and len(condition[name]) > 1:
                condition[other[name]] = condition.pop(name)

    return take_out


def _without_field(start: str) -> Callable[[Tables], None]:
    def take_out(model: Tables) -> None:
        for condition in list(_conditions(model)):
            if str(condition.get("field", "")).startswith(start) and "brackets" not in condition:
                _become(condition, NEVER)

    return take_out


def _without_key(table: str, key: str) -> Callable[[Tables], None]:
    def take_out(model: Tables) -> None:
        for row in model.get(table, []):
            if key == "brackets" and key in row:
                row.update(brackets=[{"points": 0}])
            elif key == "award" and row.get(key) == "once":
                row[key] = "each"
            elif key != "award":
                row.pop(key, None)

    return take_out


def _without_decay(kind: str) -> Callable[[Tables], None]:
    def take_out(model: Tables) -> None:
        for rule in [*model.get("engagement", []), model.get("decay", {})]:
            for key in ("decay", "default"):
                if isinstance(rule.get(key), dict) and kind in rule[key]:
                    rule[key] = "none"

    return take_out


def _without_rules(is_one: Callable[[Row], bool]) -> Callable[[Tables], None]:
    def take_out(model: Tables) -> None:
        for rule in model.get("engagement", []):
            if is_one(rule):
                rule["points"] = 0

    return take_out


def _without_nested(table: str, key: str) -> Callable[[Tables], None]:
    def take_out(model: Tables) -> None:
        for row in model.get(table, {}).values():
            row.pop(key, None)

    return take_out


def _without_needs(key: str) -> Callable[[Tables], None]:
    def take_out(model: Tables) -> None:
        for band in model.get("band", []):
            band.get("needs", {}).pop(key, None)

    return take_out


def _without_path(*path: str) -> Callable[[Tables], None]:
    def take_out(model: Tables) -> None:
        holder = model
        for step in path[:-1]:
            holder = holder.get(step, {}) if isinstance(holder, dict) else {}
        if not isinstance(holder, dict) or path[-1] not in holder:
            return
        del holder[path[-1]]
        for related in RELATED.get(".".join(path), ()):
            holder.pop(related, None)
        if path[0] in ("pillars", "inactivity") and len(path) <= 2:
            _tidy(model, path[0])

    return take_out


RELATED = {"combine.fit": ("kind", "engagement"), "rollup.k": ("kind",), "rollup.ratio": ("kind",)}


def _tidy(model: Tables, table: str) -> None:
    """Take away what has no meaning without the table that went."""
    if table == "inactivity":
        model.pop("inactivity")
    else:
        for rule in model.get("fit", []):
            rule.pop("pillar", None)


# What a careless reading of the facts would do.
CARELESS: Mapping[str, Callable[[dict[str, list[Row]], Any], None]] = {
    "a future event counts": lambda t, at: _each(t["events"], "occurred_at", lambda v: min(v, at), later=at),
    "a bot's event counts": lambda t, _: _each(t["events"], "is_bot", lambda _: None),
    "a repeated event counts twice": lambda t, _: _number(t["events"]),
    "a person of tomorrow exists": lambda t, _: _each(t["people"], "created_at", lambda _: None),
    "times are a second later": lambda t, _: _each(t["events"], "occurred_at", lambda v: v + timedelta(seconds=1)),
    "the previous band is forgotten": lambda t, _: _every(t, "previous_band", None),
    "an unknown number is 0": lambda t, _: _zero(t["people"], t["accounts"]),
    "a correction of tomorrow exists": lambda t, at: _each(
        t.get("adjustments", []), "effective_at", lambda v: min(v, at), later=at
    ),
    "corrections never fade": lambda t, _: _each(t.get("adjustments", []), "half_life_days", lambda _: None),
    "a set_to is a modify": lambda t, _: _each(t.get("adjustments", []), "op", lambda _: "modify"),
    "the first of equal set_to wins": lambda t, _: _each(t.get("adjustments", []), "adjustment_id", _backwards),
}


def _each(rows: list[Row], key: str, change: Callable[[Any], Any], later: Any = None) -> None:  # noqa: ANN401 - a time
    for row in rows:
        if row.get(key) is not None and (later is None or second(row[key]) > second(later)):
            row[key] = change(row[key])


def _every(tables: dict[str, list[Row]], key: str, value: object) -> None:
    for name in ("people", "accounts"):
        _each(tables[name], key, lambda _: value)


def _number(events: list[Row]) -> None:
    for number, event in enumerate(events):
        event["event_id"] = f"e{number}"


def _zero(*tables: list[Row]) -> None:
    for row in (row for rows in tables for row in rows):
        row |= {key: 0 for key in ("employees", "revenue", "nps") if key in row and known(row[key]) is None}


def _backwards(name: str) -> str:
    return "".join(chr(0x7E - ord(letter) + 0x20) for letter in name)


def looked_at(pair: Pair) -> Iterator[tuple[str, bool]]:
    """Give every feature that a pair has, and whether it mattered there."""
    base = _shown(pair.expected())
    oracle = Oracle(pair.model, as_of=pair.as_of, lists=LISTS)
    for name, take_out in features().items():
        model = copy.deepcopy(oracle.model)
        take_out(model)
        if model != oracle.model:
            yield name, _shown(_read_as(pair, model)) != base
    for name, misread in CARELESS.items():
        tables = copy.deepcopy(pair.tables)
        at = pair.as_of if pair.as_of.tzinfo else pair.as_of.replace(tzinfo=AS_OF.tzinfo)
        misread(tables, at)
        if tables != pair.tables:
            yield name, _shown(replace(pair, tables=tables).expected()) != base


def _read_as(pair: Pair, model: Tables) -> dict[str, Row]:
    other = Oracle(pair.model, as_of=pair.as_of, lists=LISTS)
    other.model = model
    facts: list[Any] = [pair.tables.get(name, []) for name in ("people", "accounts", "events", "adjustments")]
    if pair.people_model is None:
        return other.score(*facts)
    return other.score_accounts(Oracle(pair.people_model, as_of=pair.as_of, lists=LISTS), *facts)


def _shown(results: dict[str, Row]) -> object:
    """Give what a user would see: figures, words and the points of every line."""
    return {
        subject: [row[key] for key in ("state", "band", "fit_grade", "engagement_grade", "total", "fit", "engagement")]
        + sorted((key, round(part["points"], 6), part["label"]) for key, part in row["contributions"].items())
        for subject, row in results.items()
    }
