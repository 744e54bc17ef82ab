"""Scores everybody, or those who changed, into files. https://duckdb.org/docs/stable/"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import duckdb

from connector.engine.changed import Changed
from connector.engine.duckdb import compiled, prepared, relations_of
from connector.engine.outputs import OutputFile, appending
from connector.engine.parts import PEOPLE_PER_PART, Part, parts_of
from connector.engine.relations import Relation, quoted
from connector.errors import ConfigError
from connector.store.files import DELETED
from scoring.model import Model
from scoring.statement import Statement


@dataclass(frozen=True)
class ScoreCounts:
    """How many people or accounts were scored, and how many accounts and events the data hold.

    What the data hold besides is not counted where only those who changed are scored.
    """

    people: int
    accounts: int
    events: int


def score(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    *,
    as_of: datetime,
    sources: Mapping[str, str],
    scores_path: Path,
    contributions_path: Path | None,
    people_per_part: int = PEOPLE_PER_PART,
    changed: Changed | None = None,
    kept_in: Path | None = None,
) -> ScoreCounts:
    """Score everybody in the model's audience into zstd Parquet files, each of which appears whole or not at all.

    `sources` gives a SQL relation for people, accounts, events and adjustments; an absent one is an empty table.
    People are scored in parts of about `people_per_part`, ordered by id, which bounds the memory that it takes. With
    `changed`, only those people are; the scores then say by a row with `_deleted` who of them has none. `kept_in` is
    the folder of statements that were compiled before. Raises ConfigError when the data lack a field of the model or a
    key column.
    """
    if model.spec.model.subject != "person":
        where = f"{model.file}: model.subject: '{model.id}' scores accounts, people are scored here"
        raise ConfigError(f"{where}; run `leadlight score --model {model.file} --data DIR`")
    relations = relations_of(connection, sources)
    statement = compiled(model, None, as_of, relations, kept_in)
    read = relations if changed is None else changed.people(relations)
    people = 0
    with appending(*_outputs(statement, scores_path, contributions_path, changed)) as append:
        count = None if changed is None else changed.count(connection)
        for part in parts_of(connection, read["people"], people_per_part, count):
            with prepared(connection, part.views(read) | _asked(changed, part), statement):
                append(connection)
                people += _count(connection, "scored")
    if changed is not None:
        return ScoreCounts(people, 0, 0)
    return ScoreCounts(people, *(_rows(connection, relations[name]) for name in ("accounts", "events")))


def score_accounts(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    *,
    people: Model | None,
    as_of: datetime,
    sources: Mapping[str, str],
    scores_path: Path,
    contributions_path: Path | None,
    changed: Changed | None = None,
    kept_in: Path | None = None,
) -> ScoreCounts:
    """Score every account in an account model's audience into the same two Parquet files as `score`.

    `people` is the person model that the roll-up names, null without one. The counts are the people that were scored
    for the roll-up, the accounts that got a score, and the events. `changed` as `score` has it. Raises ConfigError as
    `score` does.
    """
    relations = relations_of(connection, sources)
    statement = compiled(model, people, as_of, relations, kept_in)
    read = relations if changed is None else changed.accounts(relations)
    views = {name: found.view() for name, found in read.items()} | _asked(changed, Part())
    outputs = _outputs(statement, scores_path, contributions_path, changed)
    with appending(*outputs) as append, prepared(connection, views, statement):
        append(connection)
        scored_people = _count(connection, "people_scores") if people is not None else 0
        return ScoreCounts(scored_people, _count(connection, "scored"), _count(connection, "events"))


def score_subjects(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    people: Model | None,
    *,
    as_of: datetime,
    sources: Mapping[str, str],
    scores_path: Path,
    contributions_path: Path | None,
    changed: Changed | None = None,
    kept_in: Path | None = None,
) -> ScoreCounts:
    """Score people or accounts, whichever the model is about; raises ConfigError as `score` does."""
    run = partial(score_accounts, people=people) if model.spec.model.subject == "account" else score
    return run(
        connection,
        model,
        as_of=as_of,
        sources=sources,
        scores_path=scores_path,
        contributions_path=contributions_path,
        changed=changed,
        kept_in=kept_in,
    )


def _outputs(
    statement: Statement, scores: Path, contributions: Path | None, changed: Changed | None
) -> list[tuple[OutputFile, str]]:
    """Pair the files with what is selected into them."""
    rows = [] if contributions is None else [(OutputFile(contributions, statement.words), statement.contributions)]
    return [*rows, (OutputFile(scores, {}), statement.scores if changed is None else _patch(statement.scores))]


def _patch(scores: str) -> str:
    """Write the scores of those in the view `asked`, as deletions where they have none."""
    return f'SELECT *, model_id IS NULL AS "{DELETED}" FROM ({scores}) RIGHT JOIN asked USING (subject_id)'  # noqa: S608 - our own statement


def _asked(changed: Changed | None, part: Part) -> dict[str, str]:
    return {} if changed is None else {"asked": changed.view(part)}


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"SELECT COUNT(*) FROM {quoted(table)}").fetchall()  # noqa: S608 - our own names
    return int(found[0][0])


def _rows(connection: duckdb.DuckDBPyConnection, of: Relation) -> int:
    found = connection.execute(f"SELECT COUNT(*) FROM {of.source}").fetchall()  # noqa: S608 - our own relation
    return int(found[0][0])
