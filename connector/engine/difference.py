"""Two models over the same facts: who changes band, and by which rules."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from connector.engine.relations import literal
from connector.engine.scoring import score_subjects
from connector.engine.survey import newest_event
from scoring.explain import iso
from scoring.model import Model

Pair = tuple[Model, Model | None]
_NO_BAND = "none"
_NO_ROW = "not scored"
_WHYS = 3
_MOVED = """
WITH moved AS (
  SELECT COALESCE(a.subject_id, b.subject_id) AS subject_id, a.total AS total_before, b.total AS total_after,
    CASE WHEN a.subject_id IS NULL THEN '{no_row}' ELSE COALESCE(a.band, '{no_band}') END AS band_before,
    CASE WHEN b.subject_id IS NULL THEN '{no_row}' ELSE COALESCE(b.band, '{no_band}') END AS band_after
  FROM read_parquet({scores_a}) a FULL JOIN read_parquet({scores_b}) b ON a.subject_id = b.subject_id
), parts AS (
  SELECT COALESCE(a.subject_id, b.subject_id) AS subject_id, COALESCE(a.rule_id, b.rule_id) AS rule_id,
    COALESCE(b.points, 0) - COALESCE(a.points, 0) AS change,
    CASE WHEN COALESCE(b.kind, a.kind) IN ('model', 'link') THEN COALESCE(b.label, a.label)
      ELSE COALESCE(b.rule_id, a.rule_id) END AS words
  FROM read_parquet({parts_a}) a FULL JOIN read_parquet({parts_b}) b
    ON a.subject_id = b.subject_id AND a.rule_id = b.rule_id AND a.kind = b.kind
), why AS (
  SELECT subject_id,
    LIST([rule_id, CAST(ROUND(change, 9) AS VARCHAR), words] ORDER BY ABS(change) DESC, rule_id) AS parts
  FROM parts WHERE ABS(change) > 1e-9 GROUP BY subject_id
)
SELECT moved.subject_id, band_before, band_after, total_before, total_after, parts[1:{whys}]
FROM moved LEFT JOIN why ON why.subject_id = moved.subject_id
WHERE band_before <> band_after ORDER BY moved.subject_id
"""


@dataclass(frozen=True)
class Move:
    """One subject that changes band; `why` are the largest changes of points: rule, points, and what people call it."""

    subject_id: str
    before: str
    after: str
    total_before: float | None
    total_after: float | None
    why: tuple[tuple[str, float, str], ...]

    def as_json(self) -> dict[str, object]:
        """Give the object that `model diff --json` prints."""
        return {
            "subject_id": self.subject_id,
            "from": self.before,
            "to": self.after,
            "total_before": self.total_before,
            "total_after": self.total_after,
            "change": round((self.total_after or 0.0) - (self.total_before or 0.0), 9),
            "rules": [{"rule_id": name, "change": change} for name, change, _ in self.why],
            "why": ", ".join(f"{round(change, 1):+g} {words}" for _, change, words in self.why) or "bands or audience",
        }


@dataclass(frozen=True)
class Moves:
    """Everybody who changes band at one time, and how many go from where to where."""

    as_of: str
    compared: int
    moves: tuple[Move, ...]

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """Count the moves by the bands they go between."""
        return Counter((move.before, move.after) for move in self.moves)


def moves(
    connection: duckdb.DuckDBPyConnection,
    before: Pair,
    after: Pair,
    sources: Mapping[str, str],
    as_of: datetime | None,
    kept_in: Path | None = None,
) -> Moves:
    """Score the same facts by two models, at the newest event where no time is given; raises ConfigError.

    kept_in is the folder of statements that were compiled before.
    """
    at = as_of or newest_event(connection, sources)
    with TemporaryDirectory() as folder:
        names: dict[str, str] = {}
        for side, pair in (("a", before), ("b", after)):
            scores, parts = Path(folder) / f"scores_{side}.parquet", Path(folder) / f"parts_{side}.parquet"
            _score(connection, pair, at, sources, scores, parts, kept_in)
            names |= {f"scores_{side}": literal(str(scores)), f"parts_{side}": literal(str(parts))}
        select = _MOVED.format(no_row=_NO_ROW, no_band=_NO_BAND, whys=_WHYS, **names)
        rows = connection.execute(select).fetchall()
        either = "SELECT subject_id FROM read_parquet({}) UNION SELECT subject_id FROM read_parquet({})"
        all_subjects = either.format(names["scores_a"], names["scores_b"])
        compared = connection.execute(f"SELECT COUNT(*) FROM ({all_subjects})").fetchall()[0][0]  # noqa: S608 - quoted
    found = tuple(Move(row[0], row[1], row[2], row[3], row[4], _whys(row[5])) for row in rows)
    return Moves(iso(at) or "", compared, found)


def _whys(parts: Sequence[Sequence[str]] | None) -> tuple[tuple[str, float, str], ...]:
    return tuple((name, float(change), words) for name, change, words in parts or ())


def _score(
    connection: duckdb.DuckDBPyConnection,
    pair: Pair,
    at: datetime,
    sources: Mapping[str, str],
    scores: Path,
    parts: Path,
    kept_in: Path | None,
) -> None:
    score_subjects(
        connection, *pair, as_of=at, sources=sources, scores_path=scores, contributions_path=parts, kept_in=kept_in
    )
