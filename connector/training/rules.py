"""What the rules gave at the snapshots, so that a model can be held against them and blended with them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from connector.engine.duckdb import score_subjects
from connector.engine.relations import literal
from scoring.expressions import MACROS
from scoring.model import Model

POINTS: Final = "rule_points"
MOST_TIMES: Final = 24
LEAST_ROWS: Final = 20
_RULES: Final = ("sum", "weighted", "rank")


def note_points(engine: duckdb.DuckDBPyConnection, rules: Model, sources: Mapping[str, str]) -> bool:
    """Widen the table `snapshots` by rule_points at the newest times that many rows share; tells whether there are any.

    These are the beginnings of months; a row of another time has none. Rules of accounts, and models whose total is
    learned already, give none.
    """
    if rules.spec.model.subject != "person" or rules.spec.combine.kind not in _RULES:
        return False
    times = engine.execute(
        """SELECT as_of_s FROM snapshots GROUP BY as_of_s HAVING count(*) >= ? AND as_of_s % 86400 = 0
           ORDER BY as_of_s DESC LIMIT ?""",
        [LEAST_ROWS, MOST_TIMES],
    ).fetchall()
    if not times:
        return False
    engine.execute("CREATE OR REPLACE TEMPORARY TABLE points (subject_id VARCHAR, as_of_s BIGINT, total DOUBLE)")
    # A session of its own: statements make views of the names that the tables of training bear.
    with TemporaryDirectory() as folder, engine.cursor() as scoring:
        for text in ("SET TimeZone = 'UTC'", *MACROS):
            scoring.execute(text)
        for (as_of_s,) in times:
            scores = Path(folder) / f"{as_of_s}.parquet"
            score_subjects(
                scoring,
                rules,
                None,
                as_of=datetime.fromtimestamp(as_of_s, UTC),
                sources=sources,
                scores_path=scores,
                contributions_path=None,
            )
            engine.execute(
                f"INSERT INTO points SELECT subject_id, {int(as_of_s)}, total FROM read_parquet({literal(str(scores))})"  # noqa: S608 - quoted
            )
    engine.execute(
        f"""CREATE OR REPLACE TEMPORARY TABLE snapshots AS SELECT s.*, p.total AS {POINTS}
        FROM snapshots AS s LEFT JOIN points AS p USING (subject_id, as_of_s) ORDER BY s.as_of_s, s.subject_id"""  # noqa: S608 - our own names
    )
    return True
