"""What the rules gave at the snapshots, so that a model can be held against them and blended with them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from connector.engine.relations import literal
from connector.engine.scoring import score_subjects
from scoring.expressions import MACROS
from scoring.model import Model
from scoring.predict.findings import is_alone
from scoring.predict.rules_alone import rules_alone

POINTS: Final = "rule_points"
MOST_TIMES: Final = 24
LEAST_ROWS: Final = 20


def note_points(engine: duckdb.DuckDBPyConnection, rules: Model, sources: Mapping[str, str]) -> bool:
    """Widen the table `snapshots` by rule_points at the newest times that many rows share; tells whether there are any.

    These are the beginnings of months; a row of another time has none. The points are those of the rules alone, inside
    the scale, as a blend reads them. Rules of accounts, and those whose points reach no total, give none.
    """
    if rules.spec.model.subject != "person" or is_alone(rules):
        return False
    specification = rules_alone(rules.spec).model_copy(update={"override": ()})  # these come after a blend
    alone = rules.model_copy(update={"spec": specification, "table": None})
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
                alone,
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
