"""What a compiled model is: texts of SQL, for one instant or any other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime


@dataclass(frozen=True)
class Statement:
    """A compiled model.

    Reads the tables `people`, `accounts`, `events` and, where the columns name it, `adjustments`. `prepare` makes the
    temporary tables `clock`, `people_scores` (where people are rolled up) and `scored`, in this order; `scores` and
    `contributions` each select one output from `scored`. `words` are all the values that texts of the contributions
    have. `terms` selects, in the shape of contributions, the points that a trained model gives beside the rules; it is
    empty where there is none.
    """

    prepare: tuple[str, ...]
    scores: str
    contributions: str
    words: Mapping[str, tuple[str, ...]]
    terms: str = ""

    def texts(self) -> tuple[str, ...]:
        """Give every text in the order in which it is run."""
        return (*self.prepare, self.scores, self.contributions, *([self.terms] if self.terms else []))

    def at(self, as_of: datetime) -> "Statement":
        """Set DuckDB's clock to another time; all but the clock is the same for every time."""
        return replace(self, prepare=(clock(as_of), *self.prepare[1:]))


def clock(as_of: datetime) -> str:
    """Make the table `clock` in DuckDB: as_of (UTC when it names no zone) as whole seconds since 1970, floored."""
    return f'CREATE TEMPORARY TABLE clock AS SELECT CAST({epoch_s(as_of)} AS BIGINT) AS "as_of_s"'


def epoch_s(at: datetime) -> int:
    """Give a time, UTC when it names no zone, as whole seconds since 1970, floored."""
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return int(aware.timestamp() // 1)
