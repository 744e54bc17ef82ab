"""Random models and random worlds, dense in what goes wrong: ties, nulls, edges of windows, Unicode, the future."""

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

Row = dict[str, Any]
T = TypeVar("T")

AS_OF = datetime(2026, 5, 31, 12, 0, 0, 400_000, tzinfo=UTC)
TEXTS = [
    "VP",
    " vp ",
    "Director\t",
    "Größe",
    "größe",
    "ΑΣΑ",
    "ασα",
    "İst",
    "a_b%",
    "it's",
    "x\\y",
    "\u3000Ünï\u00a0",
    "",
    "  ",
]
WORDS = ["vp", "VP ", "director", "GRÖẞE", "größe", "ΑΣΑ", "ist", "a_b", "it's", "x\\y", "ünï", "b%"]
PATTERNS = ["^v", "p$", "a_b|it's", "[üö]", r"^\S+$"]
NUMBERS = [0, 1, 9.5, 10, 50, 1e6, -3, math.nan, 0.1]
LISTS = {"good": {"acme.com", "BIG.org"}, "words": {"vp", "Größe", "it's"}}
EMAILS = ["a@acme.com", "b@x@Big.ORG ", "none", "c@", "Ü@ünï.de", " d@acme.com", ""]
AGES = [0, 1, 3599, 86400, 7 * 86400 - 1, 7 * 86400, 14 * 86400, 30 * 86400, 30 * 86400 + 1, 90 * 86400, -1, -86400]
TYPES = ["page_view", "email_open", "demo_request", "webinar_attended", "unsubscribe"]
URLS = ["/pricing", "/Pricing/Größe", "/blog", "https://x.example/a_b%?q=1", "", None]
DURATIONS = ["1s", "60m", "24h", "7d", "2w", "30d", "90d"]
POINTS = [0, 1, 2.5, 7, 20, -3, -10, 0.1, 33.3]

TEXT_FIELDS = [
    "seniority",
    "title",
    "country",
    "account.industry",
    "account.type",
    "email_domain",
    "tier",
    "account.tier",
]
NUMBER_FIELDS = ["employees", "account.employees", "account.revenue", "nps"]
LIST_FIELDS = ["technologies", "account.technologies", "tags"]
TIME_FIELDS = ["converted_at", "seen_at"]
BOOLEAN_FIELDS = ["opted_out", "vip"]


def random_world(random: Random, size: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Make people, accounts and events."""
    accounts = [_account(random, number) for number in range(size // 3)]
    people = [_person(random, number, len(accounts)) for number in range(size)]
    events = [_event(random, number, size) for number in range(size * random.choice([0, 3, 9]))]
    return people, accounts, events


def _maybe(random: Random, pool: Sequence[T]) -> T | None:
    return None if random.random() < 0.25 else random.choice(pool)


def _time(random: Random) -> datetime:
    fraction = timedelta(microseconds=random.choice([0, 0, 400_000, 900_000]))
    return (
        AS_OF.replace(microsecond=0)
        - timedelta(seconds=random.choice(AGES) + random.choice([0, 0, 0, 5000]))
        + fraction
    )


def _words(random: Random) -> list[str]:
    return [random.choice(TEXTS) for _ in range(random.randrange(4))]


def _account(random: Random, number: int) -> Row:
    return {
        "account_id": f"a{number}",
        "industry": _maybe(random, TEXTS),
        "type": _maybe(random, ["customer", "Prospect", " "]),
        "employees": _maybe(random, NUMBERS),
        "revenue": _maybe(random, NUMBERS),
        "technologies": _maybe(random, [_words(random)]),
        "tier": _maybe(random, TEXTS),
        "previous_band": _maybe(random, ["hot", "warm", "gone"]),
    }


def _person(random: Random, number: int, accounts: int) -> Row:
    return {
        "person_id": f"p{number}",
        "account_id": _maybe(random, [f"a{random.randrange(accounts + 1)}"]),
        "email": _maybe(random, EMAILS),
        "seniority": _maybe(random, TEXTS),
        "title": _maybe(random, TEXTS),
        "country": _maybe(random, ["US", "us ", "DE"]),
        "industry": _maybe(random, TEXTS),
        "employees": _maybe(random, NUMBERS),
        "opted_out": random.choice([None, None, False, True]),
        "technologies": _maybe(random, [_words(random)]),
        "created_at": _maybe(random, [AS_OF - timedelta(days=40), AS_OF + timedelta(days=1)])
        if number % 4 == 0
        else None,
        "converted_at": _maybe(random, [_time(random)]),
        "previous_band": _maybe(random, ["hot", "warm", "gone"]),
        "nps": _maybe(random, NUMBERS),
        "buying_role": random.choice([None, None, "champion", " VP"]),
        "vip": random.choice([None, False, True]),
        "tier": _maybe(random, TEXTS),
        "tags": _maybe(random, [_words(random)]),
        "seen_at": _maybe(random, [_time(random)]),
    }


def _event(random: Random, number: int, people: int) -> Row:
    props = {"n": random.choice(["3", " 10 ", "x", "nan", "-1e3"]), "Flag": random.choice(["true", "False", "0"])}
    return {
        "event_id": f"e{number}",
        "type": random.choice([*TYPES, "ticket"]),
        "occurred_at": _time(random),
        "person_id": _maybe(random, [f"p{random.randrange(people + 2)}"])
        if number % 7 == 0
        else random.choice([None, *[f"p{random.randrange(people)}"] * 4]),
        "account_id": f"a{random.randrange(people // 3 + 1)}",
        "url": random.choice(URLS),
        "asset": random.choice(["A", "a", "B", "", None]),
        "value": _maybe(random, NUMBERS),
        "is_bot": random.choice([None, None, None, False, True]),
        "props": random.choice([None, {}, props, props]),
    }


def random_ledger(random: Random, people: int, subject: str = "p") -> list[Row] | None:
    """Make adjustments, or no table at all; several fall into the same second."""
    if random.random() < 0.3:
        return None
    return [
        {
            "adjustment_id": f"j{number}",
            "subject_id": f"{subject}{random.randrange(people + 1)}",
            "model_id": random.choice(["random", "random", "random", "other"]),
            "op": random.choice(["set_to", "modify", "modify"]),
            "points": random.choice([-7.5, 0, 3, 12.1]),
            "effective_at": _time(random),
            "half_life_days": random.choice([None, None, 14.0, 0.5]),
        }
        for number in range(people)
    ]


def random_account_model(random: Random, rules: int) -> str:
    """Make the text of a valid account model; its people are scored by the model `random`."""
    tables = [(kind, of_account(random, row)) for kind, row in _tables(random, rules)]
    tables[0][1].update(id="accounts", subject="account")
    roll_ups: list[Row] = [{}, {"kind": "max"}, {"kind": "top_k", "k": 2}, {"kind": "diminishing", "ratio": 0.5}]
    rollup: Row = {"model": "random", "of": random.choice(["engagement", "total"]), **random.choice(roll_ups)}
    if random.random() < 0.5:
        rollup["role_weights"] = {"vp": 1.5, "GRÖSSE": 3, "größe": 0, "Champion": 2}
    breadth, coverage = _breadth(random), _coverage(random)
    if random.random() < 0.5:
        tables.append(("rollup", rollup | breadth | coverage))
    else:
        tables += [("rollup", rollup), *breadth.items(), *coverage.items()]
    for kind, row in tables:
        if kind == "[segment]" and random.random() < 0.6:
            row |= _breadth(random) | _coverage(random)
    return _file([table for table in tables if random.random() < 0.9 or table[0] != "rollup" or breadth or coverage])


def _breadth(random: Random) -> Row:
    rule = {"engaged_at_least": random.choice([0, 5, 0.5]), "points_each": random.choice([5, -1.5])}
    return random.choice([{}, {"breadth": rule}, {"breadth": rule | {"cap": 8}}])


def _coverage(random: Random) -> Row:
    rule = {"roles": random.choice([["VP"], ["vp", "champion "]]), "engaged_at_least": 0.5, "points": 15}
    return random.choice([{}, {"coverage": rule}])


def of_account(random: Random, content: Any) -> Any:  # noqa: ANN401 - walks the tables of a model
    """Turn what a model asks of a person into what it may ask of an account."""
    if isinstance(content, list):
        return [of_account(random, part) for part in content]
    if not isinstance(content, dict):
        return content
    field = content.get("field")
    if field in BOOLEAN_FIELDS + TIME_FIELDS or (field is not None and "brackets" in content):
        return content | {"field": "revenue"} if "brackets" in content else {"field": "tier", "present": True}
    kinds = {
        **{name: ["industry", "account.industry", "type", "account.tier"] for name in TEXT_FIELDS},
        **{name: ["employees", "account.revenue"] for name in NUMBER_FIELDS},
        **{name: ["technologies"] for name in LIST_FIELDS},
    }
    if field in kinds:
        return content | {"field": random.choice(kinds[field])}
    return {key: value if key == "where" else of_account(random, value) for key, value in content.items()}


def random_model(random: Random, rules: int) -> str:
    """Make the text of a valid model file."""
    return _file(_tables(random, rules))


def _tables(random: Random, rules: int) -> list[tuple[str, Row]]:
    tables: list[tuple[str, Row]] = [("model", _header(random))]
    tables += [("[fit]", _fit(random, number)) for number in range(rules)]
    tables += [("[engagement]", _engagement(random, number)) for number in range(rules)]
    if rules and random.random() < 0.5:
        grouped = [row["group"] for kind, row in tables if kind == "[engagement]" and "group" in row]
        tables += [("[multiply]", _multiply(random, number, grouped)) for number in range(2) if grouped]
    for name in ("f1", "f2", "e1", "e2"):
        tables.append((f"group.{name}", random.choice([{}, {"cap": 12}, {"floor": -4}, {"cap": 30, "floor": -5.5}])))
    tables += _optional(random)
    tables += [("[band]", row) for row in _bands(random)]
    named = [row["id"] for kind, row in tables if kind in ("[fit]", "[engagement]") and "brackets" not in row]
    tables += [("[segment]", _segment(random, number, named)) for number in range(random.choice([0, 0, 1, 2]))]
    if random.random() < 0.4:
        tables += [("pillars", {"p1": 0.4, "p2": 1.5}), ("pillar.p1", random.choice([{}, {"cap": 9, "floor": -3}]))]
        ungrouped = [row for kind, row in tables if kind == "[fit]" and "group" not in row]
        for row in ungrouped:
            row |= random.choice([{}, {"pillar": "p1"}, {"pillar": "p2"}])
    return tables


def _file(tables: list[tuple[str, Row]]) -> str:
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in row.items()) for name, row in tables
    )


def _header(random: Random) -> Row:
    header: Row = {"id": "random", "scale": random.choice([{}, {"min": 0, "max": 100}, {"min": -10}, {"max": 25}])}
    return {**header, "audience": random_condition(random, 1)} if random.random() < 0.3 else header


def _fit(random: Random, number: int) -> Row:
    row: Row = {"id": f"fit_{number}"}
    if random.random() < 0.6:
        row["group"] = random.choice(["f1", "f2"])
    if random.random() < 0.2:
        row["field"] = random.choice(NUMBER_FIELDS)
        row["brackets"] = [{"below": 5, "points": 1}, {"below": 50, "points": 3.5}]
        row["brackets"] += random.choice([[], [{"points": -2}]])
        return row
    row["when"] = random_condition(random, 2)
    row["points"] = random.choice(POINTS)
    kind = random.random()
    if kind < 0.1:
        row["gate"] = True
        row["unknown"] = random.choice(["fail", "pass"])
    elif kind < 0.15:
        row["disqualify"] = True
    return row


def _engagement(random: Random, number: int) -> Row:
    row: Row = {"id": f"eng_{number}", "points": random.choice(POINTS)}
    if random.random() < 0.6:
        row["group"] = random.choice(["e1", "e2"])
    if random.random() < 0.3:
        row["cap"] = random.choice([0, 3, 14])
    silent = random.random() < 0.2
    if not silent or random.random() < 0.5:
        row["event"] = random.choice([random.choice(TYPES), random.sample(TYPES, 2)])
        if random.random() < 0.4:
            row["where"] = random_where(random, 1)
    if random.random() < 0.2:
        row["third_party"] = True
    if silent:
        row["no_event_for"] = random.choice(DURATIONS)
        return row
    options: dict[str, list[Any]] = {
        "award": ["each", "once"],
        "at_least": [1, 2],
        "within": DURATIONS,
        "distinct": ["asset", "url", "props.n", "value"],
        "decay": ["none", {"half_life": "14d"}, {"linear": "60d"}, {"per_week": 0.05}, {"per_month": 1}],
    }
    return row | {key: random.choice(pool) for key, pool in options.items() if random.random() < 0.35}


def _multiply(random: Random, number: int, groups: list[str]) -> Row:
    row: Row = {"id": f"multiply_{number}", "event": random.choice(TYPES), "group": random.choice(groups)}
    row |= {"factor": random.choice([1, 1.5, 3]), "max_points": random.choice([0, 4, 50])}
    return row | {"within": random.choice(DURATIONS)} if random.random() < 0.5 else row


def _optional(random: Random) -> list[tuple[str, Row]]:
    period = {"every": "7d", "keep": 0.95, **random.choice([{}, {"starts_after": "1d"}, {"zero_after": "90d"}])}
    steps = [{"after": "1s", "keep": 0.8}, {"after": "30d", "keep": 0.5}, {"after": "90d", "keep": 0}]
    found: list[tuple[str, Row]] = [
        ("inactivity", random.choice([{"steps": steps}, {"per_period": period}])),
        ("combine", random.choice([{"gate_ceiling": 3}, {"kind": "weighted", "fit": 0.6, "engagement": 0.4}])),
        ("grade", {"fit": {"A": 10, "B": 0, "else": "C"}, "engagement": {"1": 20, "2": 0.5}}),
        ("decay", {"default": random.choice([{"half_life": "30d"}, {"per_week": 0.1}])}),
    ]
    suppress = ("suppress", {"when": random_condition(random, 1)})
    return [table for table in found if random.random() < 0.4] + ([suppress] if random.random() < 0.2 else [])


def _segment(random: Random, number: int, rules: list[str]) -> Row:
    row: Row = {"id": f"segment_{number}", "when": random_condition(random, 1)}
    row["points"] = {name: random.choice(POINTS) for name in random.sample(rules, len(rules) // 3)}
    row["caps"] = {name: random.choice([0, 6, 40]) for name in random.sample(["f1", "f2", "e1", "e2"], 2)}
    return row | ({"band": _bands(random)} if random.random() < 0.4 else {})


def _bands(random: Random) -> list[Row]:
    hot: Row = {"id": "hot", random.choice(["at_least", "above"]): 20}
    if random.random() < 0.6:
        hot["release_below"] = random.choice([20, 5])
    if random.random() < 0.4:
        hot["needs"] = {"fit_at_least": 3, "engagement_at_least": 0.5, "when": random_condition(random, 1)}
    if random.random() < 0.3:
        hot["third_party"] = True
    return [hot, {"id": "warm", "at_least": 3, "release_below": 1}, *random.choice([[], [{"id": "cold"}]])]


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
    kind = random.randrange(6)
    if kind == 0:
        return {"field": random.choice(NUMBER_FIELDS), **_number_operator(random)}
    if kind == 1:
        field = random.choice(LIST_FIELDS)
        return {
            "field": field,
            **random.choice([{"contains": random.choice(WORDS)}, {"contains_any": random.sample(WORDS, 3)}]),
        }
    if kind == 2:
        return {"field": random.choice(BOOLEAN_FIELDS), random.choice(["is", "is_not"]): random.choice([True, False])}
    if kind == 3:
        return {"field": random.choice(TIME_FIELDS), **_time_operator(random)}
    field = random.choice(TEXT_FIELDS + NUMBER_FIELDS + LIST_FIELDS + TIME_FIELDS + BOOLEAN_FIELDS)
    if kind == 4:
        return {"field": field, random.choice(["missing", "present"]): True}
    return {"field": random.choice(TEXT_FIELDS), **_text_operator(random)}


def _event_leaf(random: Random) -> Row:
    return random.choice(
        [
            {"field": "url", **_text_operator(random)},
            {"field": "url", "contains": random.choice(["/pricing", "_", "%", "größe"])},
            {"field": "asset", "is": "a"},
            {"field": "value", **_number_operator(random)},
            {"field": "props.n", **_number_operator(random)},
            {"field": "props.n", random.choice(["missing", "present"]): True},
            {"field": "props.Flag", "is": random.choice([True, False])},
            {"field": "props.Flag", "in": ["TRUE", "0"]},
            {"field": "account.industry", **_text_operator(random)},
        ]
    )


def _text_operator(random: Random) -> Row:
    operator = random.choice(
        ["is", "is_not", "in", "not_in", "in_list", "contains", "contains_any", "starts_with", "matches"]
    )
    if operator == "matches":
        return {operator: random.choice(PATTERNS)}
    if operator == "in_list":
        return {operator: random.choice(sorted(LISTS))}
    return {operator: random.sample(WORDS, 3) if operator in ("in", "not_in", "contains_any") else random.choice(WORDS)}


def _number_operator(random: Random) -> Row:
    operator = random.choice(["is", "is_not", "in", "not_in", "gt", "gte", "lt", "lte", "between"])
    edge = random.choice([0, 9.5, 10, 3])
    return {operator: [0, edge] if operator in ("in", "not_in", "between") else edge}


def _time_operator(random: Random) -> Row:
    operator = random.choice(["older_than", "newer_than", "gt", "lte"])
    return {operator: random.choice(DURATIONS) if operator.endswith("than") else AS_OF - timedelta(days=7)}


def toml(value: object) -> str:
    """Write a value as TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return (
                "{ "
                + ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {toml(part)}" for key, part in value.items())
                + " }"
            )
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case datetime():
            return value.isoformat()
        case str():
            return json.dumps(value)
        case _:
            return repr(value)
