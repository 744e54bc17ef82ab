"""Random models: every table, operator and shape that a model file may have, as the text of a valid file."""

from collections.abc import Callable
from datetime import date, timedelta, timezone
from random import Random
from typing import Any

from tests.scoring.toml_text import toml
from tests.scoring.worlds import (
    AS_OF,
    BOOLEAN_FIELDS,
    DURATIONS,
    LIST_FIELDS,
    LISTS,
    NUMBER_FIELDS,
    PATTERNS,
    TEXT_FIELDS,
    TIME_FIELDS,
    TYPES,
    WORDS,
    Row,
)

POINTS = [0, 1, 2.5, 3, 4, 7, 20, -3, -10, 0.1, 33.3]
TABLES_OF_RULES = ("[fit]", "[engagement]")
DECAYS: list[Any] = [
    *[{"half_life": "14d"}, {"half_life": "60m"}, {"linear": "60d"}, {"linear": "24h"}],
    *[{"per_week": 0.05}, {"per_week": 1}, {"per_month": 0.1}, {"per_month": 1}],
]
TIMES = [
    AS_OF - timedelta(days=7),
    AS_OF - timedelta(days=14),
    AS_OF.astimezone(timezone(timedelta(hours=-3))),
    AS_OF.replace(tzinfo=None, microsecond=0) - timedelta(days=30),
    date(2026, 5, 31),
]


def random_model(random: Random, rules: int) -> str:
    """Make the text of a valid person model."""
    return _file(_tables(random, rules))


def random_account_model(random: Random, rules: int) -> str:
    """Make the text of a valid account model; its people are scored by the model `random`."""
    tables = [(kind, of_account(random, row)) for kind, row in _tables(random, rules)]
    tables[0][1].update(id="accounts", subject="account")
    breadth, coverage = _breadth(random), _coverage(random)
    rollup = _rollup(random)
    if random.random() < 0.5:
        tables.append(("rollup", rollup | breadth | coverage))
    else:
        tables += [("rollup", rollup), *breadth.items(), *coverage.items()]
    own = [row for kind, row in tables if kind == "[segment]" and random.random() < 0.6]
    own_rules = [_breadth(random) | _coverage(random) for _ in own]
    for row, added in zip(own, own_rules, strict=True):
        row |= added
    needed = breadth or coverage or any(own_rules)
    return _file([table for table in tables if table[0] != "rollup" or needed or random.random() < 0.8])


def _rollup(random: Random) -> Row:
    kinds: list[Row] = [
        {},
        {"kind": "sum"},
        {"kind": "max"},
        {"kind": "top_k", "k": 1},
        {"kind": "top_k", "k": 1},
        {"kind": "top_k", "k": 2},
    ]
    kinds += [{"kind": "diminishing", "ratio": ratio} for ratio in (0.5, 0)]
    rollup: Row = {"model": "random", **random.choice([{}, {"of": "engagement"}, {"of": "total"}])}
    rollup |= random.choice(kinds)
    if random.random() < 0.5:
        rollup["role_weights"] = {"vp": 1.5, "GRÖẞE": 3, "straße": 0, "Champion": 2, "İST": -1}
    return rollup


def _breadth(random: Random) -> Row:
    rule = {"engaged_at_least": random.choice([0, 5, 0.5]), "points_each": random.choice([5, -1.5])}
    return random.choice([{}, {"breadth": rule}, {"breadth": rule | {"cap": 8}}])


def _coverage(random: Random) -> Row:
    roles = random.choice([["VP"], ["vp", "champion "], ["champion"]])
    rule = {"roles": roles, "engaged_at_least": random.choice([-5, 0.5]), "points": random.choice([15, -4])}
    return random.choice([{}, {"coverage": rule}])


def of_account(random: Random, content: Any) -> Any:  # noqa: ANN401 - walks the tables of a model
    """Turn what a model asks of a person into what it may ask of an account."""
    if isinstance(content, list):
        return [of_account(random, part) for part in content]
    if not isinstance(content, dict):
        return content
    kinds = {
        **{key: ["industry", "account.industry", "type", "account.tier", "account_id"] for key in TEXT_FIELDS},
        **{key: ["employees", "account.revenue"] for key in NUMBER_FIELDS},
        **{key: ["technologies", "account.technologies"] for key in LIST_FIELDS},
    }
    field = content.get("field")
    if field in TIME_FIELDS + BOOLEAN_FIELDS:
        return content | {"field": "revenue"} if "brackets" in content else {"field": "tier", "present": True}
    if field in kinds:
        return content | {"field": random.choice(kinds[field])}
    # Events keep the fields that they have themselves; only the account's are another subject's.
    return {
        key: _where_of_account(random, value) if key == "where" else of_account(random, value)
        for key, value in content.items()
    }


def _where_of_account(random: Random, content: Any) -> Any:  # noqa: ANN401 - walks a condition
    if isinstance(content, list):
        return [_where_of_account(random, part) for part in content]
    if not isinstance(content, dict):
        return content
    if content.get("field") == "account.technologies":
        return content
    if str(content.get("field", "")).startswith("account."):
        return content | {"field": "account.revenue" if content["field"] in NUMBER_FIELDS else "account.tier"}
    return {key: _where_of_account(random, value) for key, value in content.items()}


def _tables(random: Random, rules: int) -> list[tuple[str, Row]]:
    tables: list[tuple[str, Row]] = [("model", _header(random))]
    tables += [("[fit]", _fit(random, number)) for number in range(rules)]
    tables += [("[engagement]", _engagement(random, number)) for number in range(rules and rules + 2)]
    grouped = [row["group"] for kind, row in tables if kind == "[engagement]" and "group" in row]
    if grouped and random.random() < 0.5:
        tables += [("[multiply]", _multiply(random, number, grouped)) for number in range(2)]
    tables += [(f"group.{name}", _bounds(random)) for name in ("f1", "f2", "e1", "e2")]
    tables += _optional(random)
    tables += [("[band]", row) for row in _bands(random)]
    named = [row["id"] for kind, row in tables if kind in TABLES_OF_RULES and "brackets" not in row]
    bounds = {kind.removeprefix("group."): row for kind, row in tables if kind.startswith("group.")}
    tables += [("[segment]", _segment(random, number, named, bounds)) for number in range(random.choice([0, 0, 1, 2]))]
    return tables + (_pillars(random, tables) if random.random() < 0.4 else [])


def _bounds(random: Random) -> Row:
    return random.choice(
        [{}, {"cap": 12}, {"cap": 2}, {"floor": -4}, {"floor": 3}, {"cap": 30, "floor": -5.5}, {"cap": -1, "floor": -2}]
    )


def _pillars(random: Random, tables: list[tuple[str, Row]]) -> list[tuple[str, Row]]:
    for kind, row in tables:
        if kind == "[fit]" and "group" not in row:
            row |= random.choice([{}, {"pillar": "p1"}, {"pillar": "p2"}])
    weights = {"p1": random.choice([0.4, 1]), "p2": random.choice([1.5, 0, -1])}
    return [("pillars", weights), ("pillar.p1", random.choice([{}, {"cap": 9, "floor": -3}, {"floor": 1}, {"cap": 2}]))]


def _file(tables: list[tuple[str, Row]]) -> str:
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in row.items()) for name, row in tables
    )


def _header(random: Random) -> Row:
    header: Row = {"id": "random"}
    scale = random.choice([None, {}, {"min": 0, "max": 100}, {"min": -10}, {"max": 25}, {"min": 3, "max": 12.5}])
    header |= {} if scale is None else {"scale": scale}
    return {**header, "audience": random_condition(random, 1)} if random.random() < 0.3 else header


def _fit(random: Random, number: int) -> Row:
    row: Row = {"id": f"fit_{number}", **random.choice([{}, {}, {"label": 'who; "they" */ are — 1'}])}
    if random.random() < 0.6:
        row["group"] = random.choice(["f1", "f2"])
    if random.random() < 0.2:
        row["field"] = random.choice(NUMBER_FIELDS)
        row["brackets"] = [{"below": 5, "points": 1}, {"below": 50, "points": 3.5}]
        row["brackets"] += random.choice([[], [{"points": -2}]])
        return row
    row["when"] = random_condition(random, random.choice([1, 2, 3]))
    row["points"] = random.choice(POINTS)
    kind = random.random()
    if kind < 0.1:
        row["gate"] = True
        row |= random.choice([{}, {"unknown": "fail"}, {"unknown": "pass"}, {"unknown": "pass"}])
    elif kind < 0.15:
        row["disqualify"] = True
    return row


def _engagement(random: Random, number: int) -> Row:
    row: Row = {"id": f"eng_{number}", "points": random.choice(POINTS)}
    if random.random() < 0.6:
        row["group"] = random.choice(["e1", "e2"])
    if random.random() < 0.3:
        row["cap"] = random.choice([0, 3, 14, 6.5])
    silent = random.random() < 0.25
    if not silent or random.random() < 0.5:
        row["event"] = random.choice([random.choice(TYPES), random.sample(TYPES, 2)])
        if random.random() < 0.35:
            row["where"] = random_where(random, random.choice([0, 1, 2]))
    if random.random() < 0.35:
        row["third_party"] = True
    if silent:
        row["no_event_for"] = random.choice([*DURATIONS, "0s"])
        return row
    options: dict[str, list[Any]] = {
        "award": ["each", "once", "once", "once"],
        "at_least": [1, 2, 3],
        "within": DURATIONS,
        "distinct": ["asset", "url", "props.n", "value", "source", "account_id", "occurred_at", "is_bot", "type"],
        "decay": ["none", *DECAYS],
    }
    return row | {key: random.choice(pool) for key, pool in options.items() if random.random() < 0.35}


def _multiply(random: Random, number: int, groups: list[str]) -> Row:
    row: Row = {"id": f"multiply_{number}", "event": random.choice([random.choice(TYPES), random.sample(TYPES, 2)])}
    row |= {
        "group": random.choice(groups),
        "factor": random.choice([1, 1.5, 3]),
        "max_points": random.choice([0, 4, 50]),
    }
    row |= {"within": random.choice(DURATIONS)} if random.random() < 0.5 else {}
    return row | {"where": random_where(random, 1)} if random.random() < 0.3 else row


def _optional(random: Random) -> list[tuple[str, Row]]:
    period: Row = {"every": random.choice(["1d", "7d"]), "keep": random.choice([0.95, 0.5, 0])}
    period |= random.choice([{}, {"starts_after": "1d"}, {"starts_after": "0s"}, {"starts_after": "14d"}])
    period |= random.choice([{}, {"zero_after": "90d"}, {"zero_after": "30d"}])
    steps = [{"after": "1s", "keep": 0.8}, {"after": "30d", "keep": 0.5}, {"after": "90d", "keep": 0}]
    combine: Row = random.choice([{}, {"kind": "sum"}, {"kind": "weighted", "fit": 0.6, "engagement": 0.4}])
    fit_letters: Row = {"A+": 20, "A": 10, "A-": 7.5, "B+": 3, "B": 0, "C-": -3, **random.choice([{}, {"else": "D"}])}
    found: list[tuple[str, Row]] = [
        ("inactivity", random.choice([{"steps": steps}, {"per_period": period}, {"per_period": period}])),
        ("combine", combine | random.choice([{}, {"gate_ceiling": 3}, {"gate_ceiling": -20}])),
        ("grade", random.choice([{}, {"fit": fit_letters}]) | {"engagement": {"1": 20, "2": 0.5, "3": 0}}),
        ("decay", {"default": random.choice(DECAYS)}),
    ]
    suppress = ("suppress", {"when": random_condition(random, 1)})
    return [table for table in found if random.random() < 0.5] + ([suppress] if random.random() < 0.2 else [])


def _segment(random: Random, number: int, rules: list[str], bounds: dict[str, Row]) -> Row:
    row: Row = {"id": f"segment_{number}", "when": random_condition(random, 1)}
    row["points"] = {name: random.choice(POINTS) for name in random.sample(rules, len(rules) // 3)}
    caps = {name: random.choice([3, 6, 40]) for name in random.sample(sorted(bounds), 2)}
    row["caps"] = caps | {name: 0 for name in caps if bounds[name].get("floor", -1) < 0 and random.random() < 0.3}
    return row | ({"band": _bands(random)} if random.random() < 0.4 else {})


def _bands(random: Random) -> list[Row]:
    hot: Row = {"id": "hot", random.choice(["at_least", "above"]): random.choice([20, 7])}
    if random.random() < 0.6:
        hot["release_below"] = random.choice([7, 7, 4, 3, -1])
    if random.random() < 0.6:
        needs: Row = {"fit_at_least": random.choice([3, 0]), "engagement_at_least": random.choice([0.5, 7])}
        needs["when"] = random_condition(random, 1)
        hot["needs"] = {key: needs[key] for key in random.sample(sorted(needs), random.choice([1, 1, 2, 3]))}
    if random.random() < 0.5:
        hot["third_party"] = True
    warm: Row = {"id": "warm", random.choice(["at_least", "above"]): 3, "release_below": random.choice([3, 1, 0])}
    warm |= random.choice([{}, {}, {"needs": {"engagement_at_least": 0}}])
    rest: list[list[Row]] = [[], [{"id": "cold"}], [{"id": "cold", "at_least": -3}]]
    return [hot, warm, *random.choice(rest)]


def random_condition(random: Random, depth: int) -> Row:
    """Make a condition on a person."""
    return _nested(random, depth, _leaf)


def random_where(random: Random, depth: int) -> Row:
    """Make a condition on an event."""
    return _nested(random, depth, _event_leaf)


def _nested(random: Random, depth: int, leaf: Callable[[Random], Row]) -> Row:
    if depth == 0 or random.random() < 0.5:
        return leaf(random)
    if random.random() < 0.35:
        return {"not": _nested(random, depth - 1, leaf)}
    return {random.choice(["all", "any"]): [_nested(random, depth - 1, leaf) for _ in range(random.choice([1, 2, 3]))]}


def _leaf(random: Random) -> Row:
    kind = random.randrange(7)
    if kind == 0:
        return {"field": random.choice(NUMBER_FIELDS), **_number_operator(random)}
    if kind == 1:
        return {"field": random.choice(LIST_FIELDS), **_list_operator(random)}
    if kind == 2:
        return {"field": random.choice(BOOLEAN_FIELDS), **_boolean_operator(random)}
    if kind in (3, 6):
        return {"field": random.choice(TIME_FIELDS), **_time_operator(random)}
    field = random.choice(TEXT_FIELDS + NUMBER_FIELDS + LIST_FIELDS + TIME_FIELDS + BOOLEAN_FIELDS)
    if kind == 4:
        return {"field": field, random.choice(["missing", "present"]): True}
    return {"field": random.choice(TEXT_FIELDS), **_text_operator(random)}


def _event_leaf(random: Random) -> Row:
    word = random.choice(["props.word", "props.n", "props.it's;--"])
    return random.choice(
        [
            {"field": "url", **_text_operator(random)},
            {"field": "url", "contains": random.choice(["/pricing", "_", "%", "größe", "/"])},
            {"field": "url", "contains_any": ["/pricing", "/blog"]},
            {"field": "asset", "is": "a"},
            {"field": "asset", "present": True},
            {"field": random.choice(["source", "type", "account_id", "person_id"]), **_event_text(random)},
            {"field": "occurred_at", **_time_operator(random)},
            {"field": "is_bot", random.choice(["missing", "present"]): True},
            {"field": "is_bot", **_boolean_operator(random)},
            {"field": random.choice(["value", "props.n"]), **_number_operator(random)},
            {"field": random.choice(["props.n", "props.word", "value"]), random.choice(["missing", "present"]): True},
            {"field": "props.Flag", **_boolean_operator(random)},
            {"field": "props.Flag", "in": ["TRUE", "0"]},
            {"field": "props.at", **_time_operator(random)},
            {"field": word, **_text_operator(random)},
            {"field": random.choice(["account.industry", "account.tier"]), **_text_operator(random)},
            {"field": "account.employees", **_number_operator(random)},
            {"field": "account.technologies", **_list_operator(random)},
        ]
    )


def _event_text(random: Random) -> Row:
    words = ["WEB", "page_view", "a1", "p2"]
    return random.choice(
        [{"is": random.choice(words)}, {"is_not": "web"}, {"in": words}, {"not_in": words}, {"starts_with": "p"}]
    )


def _text_operator(random: Random) -> Row:
    operator = random.choice(
        ["is", "is_not", "in", "not_in", "in_list", "contains", "contains_any", "starts_with", "matches"]
    )
    if operator == "matches":
        return {operator: random.choice(PATTERNS)}
    if operator == "in_list":
        return {operator: random.choice(sorted(LISTS))}
    words = [*WORDS, "vp", "vp", "größe"]
    return {operator: random.sample(words, 5) if operator in ("in", "not_in", "contains_any") else random.choice(words)}


def _list_operator(random: Random) -> Row:
    return random.choice([{"contains": random.choice(WORDS)}, {"contains_any": random.sample(WORDS, 3)}])


def _boolean_operator(random: Random) -> Row:
    return {random.choice(["is", "is_not"]): random.choice([True, False])}


def _number_operator(random: Random) -> Row:
    operator = random.choice(["is", "is_not", "in", "not_in", "gt", "gte", "lt", "lte", "between"])
    edge = random.choice([0, 9.5, 10, 3])
    return {operator: [0, edge] if operator in ("in", "not_in", "between") else edge}


def _time_operator(random: Random) -> Row:
    operator = random.choice(
        [
            "older_than",
            "older_than",
            "newer_than",
            "newer_than",
            "gt",
            "gte",
            "lt",
            "lte",
            "is",
            "is_not",
            "in",
            "between",
        ]
    )
    if operator.endswith("than"):
        return {operator: random.choice([*DURATIONS, "0s"])}
    if operator == "between":
        return {operator: [TIMES[1], TIMES[0]]}
    return {operator: TIMES[:2] if operator == "in" else random.choice(TIMES)}
