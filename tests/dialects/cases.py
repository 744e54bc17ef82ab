"""What every engine must score alike: shipped and worked-example models on dense worlds, random ones on random ones."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from mappings.lists import load_lists
from scoring.conditions import leaves, operand_type
from scoring.model import Model, load_model, load_people_model, model_events, model_fields
from scoring.schema import TABLES, ColumnType
from scoring.specification import conditions, event_conditions
from tests.scoring.pairs import Pair, pairs
from tests.scoring.running import SCHEMAS, as_table, cell
from tests.scoring.worlds import AS_OF, LISTS, random_ledger

Row = dict[str, Any]
Pools = Mapping[str, list[Any]]
EXAMPLES = Path(__file__).resolve().parents[1] / "scoring" / "examples"
PRESETS = Path(__file__).resolve().parents[2] / "scoring" / "presets"
ARROW: Mapping[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "list": pa.list_(pa.string()),
    "map": pa.map_(pa.string(), pa.string()),
}
PATTERNS = [
    *[r"\bdev\b", r"\Bps", r"^\w+$", r"\W", r"a.b", r"(?s)a.b", r"(?m)^b$", r"b$", r"\Aa", r"[^\S ]", r"[\W_]{2}"],
    *[r"[^a-c]$", "[a&&b[]", "[]x]", r"\d{2}", r"\s", "[[:upper:]]", "(?i:ÖL)", r"^\S+(?:, \S+)*$", r"\x41", "a{2}|{"],
]
TITLES = [
    *["DevOps dev", "größe dev.", "a\nb", "a b", "ab", "a\u000bb", "b\u2028x", "a&b", "[", "]", "x_-", "ÖL", "öl, Gas"],
    *["a12", "٣٤", "aa", "{", "\u00a0b", "b\u0085c", "Σ", "c", "VP, Sales", None],
]
_MANY = 9
TIMES = ["2026-05-01", "2026-02-30", "2026-05-30T10:00:00.999Z", "2026-05-30 10:00+0200", "2026-05-31T09:59:59", "x"]


@dataclass(frozen=True)
class Case:
    """A model with the tables that it scores."""

    name: str
    model: Model
    people: Model | None
    as_of: datetime
    tables: Mapping[str, pa.Table]


def shipped_cases(size: int) -> Iterator[Case]:
    """Give every preset and every model of a worked example, on a world made of the values that it compares with."""
    lists = load_lists()
    for file in sorted([*PRESETS.glob("*.toml"), *EXAMPLES.glob("*.toml")]):
        if not file.name.endswith(".test.toml"):
            model = load_model(file, lists)
            yield _case_of_values(model, load_people_model(model, lists), Random(file.name), size)  # noqa: S311 - repeatable


def pattern_case(folder: Path) -> Case:
    """Give a model with a rule for every pattern that families read differently, on texts that tell them apart."""
    rules = [
        f"[[fit]]\nid = 'p{number}'\npoints = {number + 1}\nwhen = {{ field = 'title', matches = {json.dumps(one)} }}\n"
        for number, one in enumerate(PATTERNS)
    ]
    (folder / "patterns.toml").write_text("[model]\nid = 'patterns'\n" + "".join(rules), encoding="utf-8")
    rows = [{"person_id": f"p{number}", "title": title} for number, title in enumerate(TITLES)]
    tables = {
        "people": as_table("people", rows),
        "accounts": as_table("accounts", []),
        "events": as_table("events", []),
    }
    return Case("patterns", load_model(folder / "patterns.toml"), None, AS_OF, tables)


def rich_pairs() -> st.SearchStrategy[Pair]:
    """Draw pairs that are worth an engine's time: those with more than a few people."""
    return pairs().filter(lambda pair: len(pair.tables["people"]) >= _MANY)


def case_of_pair(pair: Pair) -> Case:
    """Give a random pair of a model and a world as a case."""
    lists = {name: frozenset(entries) for name, entries in LISTS.items()}
    with TemporaryDirectory() as folder:
        for name, text in (("model", pair.model), ("random", pair.people_model)):
            if text is not None:
                (Path(folder) / f"{name}.toml").write_text(text, encoding="utf-8")
        model = load_model(Path(folder) / "model.toml", lists)
        people = load_people_model(model, lists)
    return Case(model.id, model, people, pair.as_of, {name: _given(pair, name) for name in pair.tables})


def _given(pair: Pair, name: str) -> pa.Table:
    """Give a table, each event once; a table that is absent is an empty one with its keys alone."""
    if pair.lacking[name] == ("*",):
        return _table([], {key: TABLES[name].columns[key] for key in TABLES[name].key})
    rows = {row["event_id"]: row for row in pair.tables[name]}.values() if name == "events" else pair.tables[name]
    return as_table(name, list(rows), pair.lacking[name])


def column_types(tables: Mapping[str, pa.Table]) -> dict[str, dict[str, ColumnType]]:
    """Give the canonical type of every column."""
    return {
        name: {field.name: next(kind for kind, arrow in ARROW.items() if arrow == field.type) for field in table.schema}
        for name, table in tables.items()
    }


def _case_of_values(model: Model, people: Model | None, random: Random, size: int) -> Case:
    used = [model, people] if people else [model]
    pools, custom = _pools(used), _custom(used)
    types = sorted({"ticket"}.union(*(model_events(one) for one in used)))
    kinds = {name: {**(custom if name in ("people", "accounts") else {}), **TABLES[name].columns} for name in SCHEMAS}
    rows: dict[str, list[Row]] = {
        "accounts": [_row(random, pools, kinds["accounts"], account_id=f"a{n}") for n in range(size // 3)],
        "people": [
            _row(random, pools, kinds["people"], person_id=f"p{n}", account_id=f"a{random.randrange(size // 3 + 1)}")
            for n in range(size)
        ],
        "events": [_event(random, pools, types, number, size) for number in range(size * 9)],
        "adjustments": [
            {**row, "model_id": random.choice([one.id for one in used])} for row in random_ledger(random, size) or []
        ],
    }
    tables = {name: _table(rows[name], kinds[name]) for name in rows}
    return Case(model.id, model, people, AS_OF, tables)


def _pools(models: list[Model]) -> dict[str, list[Any]]:
    """Give, for every field, the values that some condition compares it with, as they are and one off."""
    pools: dict[str, list[Any]] = {}
    for model in models:
        for condition in conditions(model.spec) + event_conditions(model.spec):
            for leaf in leaves(condition):
                own = pools.setdefault((leaf.field or "").removeprefix("account."), [])
                own += leaf.operands
                own += sorted(dict(model.lists)[leaf.in_list])[:3] if leaf.in_list else []
        for rule in model.spec.fit:
            own = pools.setdefault((rule.field or "").removeprefix("account."), [])
            own += [row.below for row in rule.brackets or () if row.below is not None]
    return pools


def _custom(models: list[Model]) -> dict[str, ColumnType]:
    """Type the fields that are not canonical by what they are compared with."""
    kinds: dict[str, ColumnType] = {}
    for model in models:
        kinds |= dict.fromkeys((field.removeprefix("account.") for field in model_fields(model)), "number")
        for condition in conditions(model.spec):
            for leaf in leaves(condition):
                kind: ColumnType = operand_type(leaf.operands[0]) if leaf.operands else "text"
                kind = "datetime" if leaf.older_than is not None or leaf.newer_than is not None else kind
                kinds[(leaf.field or "").removeprefix("account.")] = kind
    return {name: kind for name, kind in kinds.items() if name != "email_domain"}


def _row(random: Random, pools: Pools, kinds: Mapping[str, ColumnType], **given: object) -> Row:
    return {name: _value(random, pools, name, kind) for name, kind in kinds.items()} | given


def _value(random: Random, pools: Pools, name: str, kind: ColumnType) -> Any:  # noqa: ANN401 - a cell of any type
    if random.random() < 0.2:
        return None
    pool = pools.get(name, [])
    match kind:
        case "number":
            return random.choice([*pool, 0.0, 1e6]) + random.choice([0.0, 0.0, 1.0, -1.0])
        case "boolean":
            return random.random() < 0.3
        case "datetime":
            return AS_OF - timedelta(seconds=random.randrange(400 * 86400))
        case "list":
            return random.choices([*map(str, pool), "Other", None], k=random.randrange(4))
        case _:
            return _text(random, pools, name, pool)


def _text(random: Random, pools: Pools, name: str, pool: list[Any]) -> str:
    if name == "email":
        return f"x@{random.choice([*pools.get('email_domain', []), 'firm.example'])}"
    value = str(random.choice([*pool, "other"]))
    return random.choice([value, value, value.upper(), f" {value}\u00a0"])


def _event(random: Random, pools: Pools, types: list[str], number: int, people: int) -> Row:
    row = _row(random, pools, TABLES["events"].columns)
    owner = random.choice([{"person_id": f"p{random.randrange(people)}"}] * 3 + [{"person_id": None}])
    age = timedelta(seconds=random.choice([random.randrange(86400), random.randrange(400 * 86400)]))
    props = {
        name.removeprefix("props."): str(random.choice([*pool, *TIMES, "7", "1e3", "nan", "-inf"]))
        for name, pool in pools.items()
        if name.startswith("props.")
    }
    is_bot = random.choice([None, False, True]) if number % 5 == 0 else None
    given = {"event_id": f"e{number}", "type": random.choice(types), "occurred_at": AS_OF - age, "is_bot": is_bot}
    return row | given | owner | {"account_id": f"a{random.randrange(people // 3 + 1)}", "props": props}


def _table(rows: list[Row], kinds: Mapping[str, ColumnType]) -> pa.Table:
    columns = {}
    for name, kind in kinds.items():
        columns[name] = pa.array([cell(row.get(name)) for row in rows], ARROW[kind])
    return pa.table(columns)
