"""Runs a model's worked examples: their facts as tables, their expectations against what the model gives."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from connector.engine.scoring import score_subjects
from connector.errors import ConfigError
from scoring.assumed import compared_types
from scoring.conditions import leaves, operand_type
from scoring.examples import Example, Expectation
from scoring.model import Model, model_fields
from scoring.names import nearest
from scoring.schema import TABLES, ColumnType
from scoring.specification import conditions
from scoring.values import duration_s

Row = dict[str, Any]
_ARROW: Mapping[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "list": pa.list_(pa.string()),
    "map": pa.map_(pa.string(), pa.string()),
}
_FIGURES = ("fit", "engagement", "total")
_WORDS = ("state", "band", "fit_grade", "engagement_grade")
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Check:
    """One thing that an example expects, and what came out."""

    what: str
    expected: str
    got: str
    same: bool


@dataclass(frozen=True)
class Outcome:
    """How one example ended."""

    name: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Say whether everything came out as expected."""
        return all(check.same for check in self.checks)

    @property
    def expected(self) -> str:
        """Say what was expected, as `total 19.5, band mql`."""
        return ", ".join(_said(check, check.expected) for check in self.checks)

    @property
    def got(self) -> str:
        """Say what came out, in the same order."""
        return ", ".join(_said(check, check.got) for check in self.checks)

    @property
    def differences(self) -> tuple[str, ...]:
        """Give every difference as `what: expected X, got Y`; none where it passed."""
        return tuple(
            f"{check.what}: expected {check.expected}, got {check.got}" for check in self.checks if not check.same
        )


def _said(check: Check, value: str) -> str:
    return value if check.what == "scored" else f"{check.what} {value}"


def run_examples(
    connection: duckdb.DuckDBPyConnection, model: Model, people: Model | None, examples: Sequence[Example]
) -> tuple[Outcome, ...]:
    """Score the facts of every example; raises ConfigError where facts are not what a table can hold."""
    of_account = model.spec.model.subject == "account"
    worlds = [facts(example, model.id, of_account=of_account) for example in examples]
    custom = _custom_kinds(model, people, worlds)
    return tuple(
        _run(connection, model, people, example, tables, custom)
        for example, tables in zip(examples, worlds, strict=True)
    )


def _run(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    people: Model | None,
    example: Example,
    tables: Mapping[str, list[Row]],
    custom: Mapping[str, ColumnType],
) -> Outcome:
    of_account = model.spec.model.subject == "account"
    subject_id = "account" if of_account else tables["people"][0]["person_id"]
    sources = {}
    for name, rows in tables.items():
        connection.register(f"example_{name}", _table(name, rows, custom))
        sources[name] = f"example_{name}"
    with TemporaryDirectory() as folder:
        paths = Path(folder) / "scores.parquet", Path(folder) / "contributions.parquet"
        files: Row = {"scores_path": paths[0], "contributions_path": paths[1]}
        score_subjects(connection, model, people, as_of=example.as_of, sources=sources, **files)
        scores, parts = ([row for row in _read(path) if row["subject_id"] == subject_id] for path in paths)
    points = {row["rule_id"]: row["points"] for row in parts}
    return Outcome(example.name, tuple(_checks(example.expect, scores[0] if scores else None, points)))


def facts(example: Example, model_id: str, *, of_account: bool) -> dict[str, list[Row]]:
    """Fill in the ids, times and owners that an example leaves out."""
    given = [example.person] if example.person is not None else list(example.people)
    has_account = of_account or example.account is not None
    in_account: Row = {"account_id": "account"} if has_account else {}
    people = [{"person_id": f"person_{n}", **in_account, **person} for n, person in enumerate(given, start=1)]
    if not of_account and not people:
        people = [{"person_id": "person_1", **in_account}]
    owner: Row = {"account_id": "account"} if of_account else {"person_id": people[0]["person_id"]}
    events: list[Row] = []
    for event in example.events:
        own: Row = {} if {"person_id", "account_id"} & event.keys() else owner
        dated = _dated(own | event, "occurred_at", example.as_of)
        events += [{**dated, "event_id": f"e{len(events) + n}"} for n in range(dated.pop("times", 1))]
    subject = "account" if of_account else people[0]["person_id"]
    base = {"subject_id": subject, "model_id": model_id}
    ledger = [
        {"adjustment_id": f"j{n:04}", **base, **_dated(row, "effective_at", example.as_of)}
        for n, row in enumerate(example.adjustments)
    ]
    accounts = [{"account_id": "account", **(example.account or {})}] if has_account else []
    return {"people": people, "accounts": accounts, "events": events, "adjustments": ledger}


def _dated(row: Row, column: str, as_of: datetime) -> Row:
    rest = {key: value for key, value in row.items() if key != "age"}
    try:
        at = as_of - timedelta(seconds=duration_s(row.get("age", "0s")))
    except ValueError as error:
        raise ConfigError(f"test: age: {error}") from None
    except OverflowError:
        raise ConfigError(f"test: age: {row['age']!r} lies before the calendar begins") from None
    return {column: at, **rest}


def _custom_kinds(
    model: Model, people: Model | None, worlds: Sequence[Mapping[str, list[Row]]]
) -> dict[str, ColumnType]:
    """Type the fields that are not canonical by the facts, else by what the model compares with."""
    used = [model, people] if people else [model]
    every = [leaf for one in used for condition in conditions(one.spec) for leaf in leaves(condition)]
    kinds: dict[str, ColumnType] = {field: "number" for one in used for field in map(_own, model_fields(one))}
    kinds |= {_own(field): kind for one in used if one.table for field, kind in compared_types(one).items()}
    for leaf in every:
        kinds[_own(leaf.field or "")] = operand_type(leaf.operands[0]) if leaf.operands else "text"
    for row in (row for tables in worlds for name in ("people", "accounts") for row in tables[name]):
        kinds |= {key: _kind(value) for key, value in row.items()}
    return {key: kind for key, kind in kinds.items() if key != "email_domain"}


def _own(field: str) -> str:
    return field.removeprefix("account.")


def _table(name: str, rows: list[Row], custom: Mapping[str, ColumnType]) -> pa.Table:
    """Make a table with every canonical column and, of subjects, those that the model reads or the facts have."""
    canonical = TABLES[name].columns
    kinds: dict[str, ColumnType] = {**(custom if name in ("people", "accounts") else {}), **canonical}
    unknown = {key for row in rows for key in row} - kinds.keys()
    if unknown:
        raise ConfigError([f"test: {name} have no column '{key}'{nearest(key, kinds)}" for key in sorted(unknown)])
    try:
        columns = {
            key: pa.array([_cell(row.get(key), kind) for row in rows], _ARROW[kind]) for key, kind in kinds.items()
        }
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        raise ConfigError(f"test: {name}: {error}") from None
    return pa.table(columns)


def _kind(value: object) -> ColumnType:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case list():
            return "list"
        case datetime():
            return "datetime"
        case _:
            return "text"


def _cell(value: Any, kind: ColumnType) -> Any:  # noqa: ANN401 - values of a TOML file
    if value is None:
        return None
    if kind == "map":
        return [(key, str(entry)) for key, entry in dict(value).items()]
    return float(value) if kind == "number" else value


def _read(path: Path) -> list[Row]:
    rows: list[Row] = pq.read_table(path).to_pylist()
    return rows


def _checks(expect: Expectation, row: Row | None, points: Mapping[str, float]) -> Iterator[Check]:
    """Give what was expected beside what came out, in the order of a score's columns."""
    if row is None or not expect.scored:
        got = "no score" if row is None else f"a score of {row['total']:g}"
        yield Check("scored", "a score" if expect.scored else "no score", got, (row is None) != expect.scored)
        return
    for name in _FIGURES:
        wanted = getattr(expect, name)
        if wanted is not None:
            yield _figure(name, wanted, row[name])
    for name in _WORDS:
        wanted, got = getattr(expect, name), row[name] if row[name] is not None else "none"
        if wanted is not None:
            yield Check(name, wanted, got, wanted == got)
    for rule_id, wanted in expect.points.items():
        yield _figure(f"points.{rule_id}", wanted, points.get(rule_id, 0.0))


def _figure(what: str, wanted: float, got: float) -> Check:
    return Check(what, f"{wanted:g}", f"{got:.9g}", abs(got - wanted) <= _TOLERANCE)
