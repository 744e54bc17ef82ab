"""Holds what an engine gives for a case against what DuckDB gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connector.engine.duckdb import open_engine
from connector.engine.scoring import score_subjects
from scoring.compile import Statement, compile_model
from tests.dialects.cases import Case, column_types
from tests.scoring.running import read

Row = dict[str, Any]
Results = tuple[list[Row], list[Row]]
Engine = Callable[[Statement, Mapping[str, Any]], Results]
TOLERANCE = 1e-9


@dataclass
class Tally:
    """What was compared so far."""

    cases: int = 0
    scores: int = 0
    contributions: int = 0
    widest: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = f"{self.cases} model(s), {self.scores} score rows, {self.contributions} contributions"
        return f"{counts}, max |difference| {self.widest:.3g}, {len(self.problems)} difference(s)"


def compare(case: Case, dialect: str, engine: Engine, tally: Tally) -> None:
    """Score a case with both engines and add what differs to the tally."""
    statement = compile_model(
        case.model, as_of=case.as_of, columns=column_types(case.tables), dialect=dialect, people=case.people
    )
    expected, actual = on_duckdb(case), engine(statement, case.tables)
    tally.cases += 1
    tally.scores += len(actual[0])
    tally.contributions += len(actual[1])
    for what, keys, left, right in zip(
        ("score", "contribution"), (("subject_id",), ("subject_id", "kind", "rule_id")), expected, actual, strict=True
    ):
        _compare_rows(f"{case.name}: {what}", keys, (left, right), tally)


def on_duckdb(case: Case) -> Results:
    """Score a case with DuckDB."""
    with TemporaryDirectory() as folder, open_engine() as connection:
        sources = {}
        for name, table in case.tables.items():
            connection.register(f"given_{name}", table)
            sources[name] = f"given_{name}"
        scores, parts = Path(folder) / "scores.parquet", Path(folder) / "contributions.parquet"
        score_subjects(
            connection,
            case.model,
            case.people,
            as_of=case.as_of,
            sources=sources,
            scores_path=scores,
            contributions_path=parts,
        )
        return read(scores), read(parts)


def _compare_rows(where: str, keys: tuple[str, ...], rows: tuple[list[Row], list[Row]], tally: Tally) -> None:
    left, right = ({tuple(row[key] for key in keys): row for row in side} for side in rows)
    if len(right) != len(rows[1]):
        tally.problems.append(f"{where}: {len(rows[1]) - len(right)} row(s) more than once")
    for key in sorted(left.keys() ^ right.keys()):
        lost = left.get(key) or right[key]
        # A contribution that rounding leaves just above nothing on one side is no difference.
        if abs(lost.get("points", 1.0)) > TOLERANCE:
            tally.problems.append(f"{where} {key}: only {'DuckDB' if key in left else 'the other'} has it: {lost}")
    for key in left.keys() & right.keys():
        _compare_cells(f"{where} {key}", left[key], right[key], tally)


def _compare_cells(where: str, expected: Row, actual: Row, tally: Tally) -> None:
    for name, wanted in expected.items():
        got = actual[name]
        if name == "reasons":
            same = got is None
        elif isinstance(wanted, float) and isinstance(got, int | float):
            distance = abs(wanted - got)
            tally.widest = max(tally.widest, distance)
            same = distance <= TOLERANCE
        else:
            same = _instant(wanted) == _instant(got)
        if not same:
            tally.problems.append(f"{where} {name}: DuckDB {wanted!r}, the other {got!r}")


def _instant(value: object) -> object:
    return value.timestamp() if isinstance(value, datetime) else value
