"""What the store knows of each record that is planned: its score in one model, what the CRM holds, what we wrote."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args

import duckdb

from connector.acting.configured import line_of
from connector.engine.relations import literal
from connector.job import Job
from connector.matching.linked import has_accounts, linked_people
from connector.models import Line
from connector.planning.diff import PASSENGERS, Mirror
from connector.routing.fits import FITS
from connector.store import written
from connector.tables import MIRROR, PERSON, SUBJECTS, tables_of
from mappings.targets import ResultName

ROWS_AT_ONCE: Final = 20_000
NO_SCORE: Final[Mapping[str, None]] = dict.fromkeys(("model_id", *get_args(ResultName)))
NOT_LEARNED: Final[Mapping[str, None]] = dict.fromkeys(("probability", "model_total", "model_band"))
WISHES: Final = ("opted_out", "do_not_call")
Record = dict[str, Any]


def register_written(engine: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Put what was written last where the functions below look for it, once for all models."""
    engine.register("written", written.as_arrow(job.state))


def scored_records(
    engine: duckdb.DuckDBPyConnection, job: Job, line: Line, only: Sequence[str] | None = None, *, fits: bool
) -> Iterator[Record]:
    """Read every record that a model scored with its mirror row and what was written to it last, hottest first.

    only: these record ids alone. fits: with the rules of routing that fit it, from the table that `matching.make_fits`
    made.
    """
    table = tables_of(line)[0]
    mirror, scores = job.lake.relation(MIRROR), job.lake.relation(table)
    if mirror is None or scores is None or only == []:
        return
    chosen = "" if only is None else "WHERE list_contains(?::VARCHAR[], s.subject_id)"
    scored, held = (_naive(job, name) for name in (table, MIRROR))
    yield from _rows(
        engine,
        f"""SELECT s.* REPLACE ({scored}), m.* REPLACE ({held}), w.fields_json,
                   w.written_at::TIMESTAMP AS written_at, {_account(job)} AS account_id,
                   {_wishes(job)}{_fitting(fits)[0]}
            FROM {scores} s JOIN {mirror} m ON m.role = '{line.role}' AND m.record_id = s.subject_id
            LEFT JOIN {linked_people(job.lake)} p ON m.role = '{PERSON}' AND p.person_id = s.subject_id
            LEFT JOIN written w ON w.object = m.object AND w.record_id = m.record_id {_fitting(fits)[1]} {chosen}
            ORDER BY s.total DESC, m.object, m.record_id""",  # noqa: S608 - relations are file lists of our own making
        [] if only is None else [list(only)],
    )


def left_records(
    engine: duckdb.DuckDBPyConnection, job: Job, line: Line, as_of: datetime, open_ids: Sequence[str], *, fits: bool
) -> Iterator[Record]:
    """Read the records outside a model's audience that still show its score or have an episode open, without a score.

    A converted lead is not among them, since the CRM refuses to change it, nor is a person who was not there at as_of.
    open_ids are the records with an open episode of this model.
    """
    mirror, scores = job.lake.relation(MIRROR), job.lake.relation(tables_of(line)[0])
    table = next(name for name, (role, _) in SUBJECTS.items() if role == line.role)
    facts = job.lake.relation(table)
    if mirror is None or scores is None or facts is None:
        return
    rows = _rows(
        engine,
        f"""SELECT m.* REPLACE ({_naive(job, MIRROR)}), w.fields_json, w.written_at::TIMESTAMP AS written_at,
                   NULL AS account_id{_fitting(fits)[0]}
            FROM {mirror} m JOIN {facts} f ON f.{SUBJECTS[table][1]} = m.record_id
            LEFT JOIN written w ON w.object = m.object AND w.record_id = m.record_id {_fitting(fits)[1]}
            WHERE m.role = '{line.role}' AND {_present(job, table, as_of)} AND ({_shows(job, line)})
              AND NOT EXISTS (SELECT 1 FROM {scores} s WHERE s.subject_id = m.record_id)
            ORDER BY m.object, m.record_id""",  # noqa: S608 - as above
        [list(open_ids)],
    )
    for row in rows:
        yield {**NO_SCORE, **row}


def count_people(engine: duckdb.DuckDBPyConnection, job: Job) -> int:
    """Count the people whom any model scored."""
    relations = [job.lake.relation(tables_of(line)[0]) for line in job.models.of("person")]
    every = " UNION ".join(f"SELECT subject_id FROM {name}" for name in relations if name)  # noqa: S608 - as above
    return int(engine.execute(f"SELECT count(*) FROM ({every})").fetchall()[0][0]) if every else 0  # noqa: S608 - as above


def deciding_actions(engine: duckdb.DuckDBPyConnection, job: Job) -> dict[str, list[int]] | None:
    """Find which actions name an owner for each person, by their places in the file; null where one model alone acts.

    The first of a person's decides: were each model's asked in turn, two of them would pass a record to and fro.
    """
    acting = [(place, action, line_of(action, job.models)) for place, action in enumerate(job.settings.action)]
    acting = [one for one in acting if one[1].band is not None and one[2].role == PERSON]
    if len({line.named for _, _, line in acting}) < 2:
        return None
    found: dict[str, list[int]] = {}
    for place, action, line in acting:
        scores = job.lake.relation(tables_of(line)[0])
        if action.owner is not None and scores is not None:
            rows = engine.execute(f"SELECT subject_id FROM {scores} WHERE band = ?", [action.band])  # noqa: S608 - as above
            for (person_id,) in rows.fetchall():
                found.setdefault(person_id, []).append(place)
    return found


def mirror_of(owner_field: str | None, row: Record) -> Mirror:
    """Take the mirror of a record out of its row."""
    last = json.loads(row["fields_json"]) if row["fields_json"] else {}
    values = {name[1:]: value for name, value in row.items() if name.startswith("=")}
    if owner_field:
        values[owner_field] = row["owner_id"]
    return Mirror(values, last, row["modified_at"], row["written_at"])


def quote(name: str) -> str:
    """Quote a column name."""
    return '"' + name.replace('"', '""') + '"'


def _fitting(fits: bool) -> tuple[str, str]:
    """Write the columns of the rules that fit a person, and their join."""
    join = f"LEFT JOIN {FITS} g ON m.role = '{PERSON}' AND g.subject_id = m.record_id"
    return (", g.* EXCLUDE (subject_id)", join) if fits else ("", "")


def _account(job: Job) -> str:
    """Name the account of a person; a CRM of leads alone has none."""
    return "p.account_id" if has_accounts(job.lake) else "NULL"


def _wishes(job: Job) -> str:
    """Name the columns by which people say what they do not want; false where the CRM has none such."""
    there = job.lake.columns("people")
    return ", ".join(
        f"coalesce(TRY_CAST(p.{name} AS BOOLEAN), false) AS {name}" if name in there else f"false AS {name}"
        for name in WISHES
    )


def _present(job: Job, table: str, as_of: datetime) -> str:
    """Write the condition under which a subject could have a score at as_of."""
    created = f"coalesce(epoch(f.created_at) <= {as_of.timestamp()}, true)"
    tests = {"converted_at": "f.converted_at IS NULL", "created_at": created}
    there = job.lake.columns(table) if table == "people" else {}
    return " AND ".join(["true", *(test for name, test in tests.items() if name in there)])


def _shows(job: Job, line: Line) -> str:
    """Write the condition under which something of a model is left on a record.

    What we wrote counts where the pull has not seen it; else what the CRM holds does, blank text being nothing.
    """
    specs = [s for s in job.mapping.write.specs(line.role, line.id).values() if s.from_ not in PASSENGERS]
    held = job.lake.columns(MIRROR)
    unseen = "(m.modified_at IS NULL OR m.modified_at < w.written_at)"
    told = " OR ".join(f"contains(w.fields_json, {literal(f'{quote(spec.field)}:')})" for spec in specs)
    blank = {"text": "<> ''"}
    tests = [f"m.{quote(f'={s.field}')} {blank.get(s.kind, 'IS NOT NULL')}" for s in specs if f"={s.field}" in held]
    tests += [f"({unseen} AND ({told}))"] if told else []
    return " OR ".join([*tests, "list_contains(?::VARCHAR[], m.record_id)"])


def _naive(job: Job, table: str) -> str:
    """Cast a table's times to UTC without a zone, which DuckDB hands to Python without a library of zones."""
    times = [name for name, kind in job.lake.columns(table).items() if kind.startswith("TIMESTAMP")]
    return ", ".join(f"{quote(name)}::TIMESTAMP AS {quote(name)}" for name in times)


def _rows(engine: duckdb.DuckDBPyConnection, select: str, values: Sequence[object] = ()) -> Iterator[Record]:
    cursor = engine.execute(select, values)
    names = [column[0] for column in cursor.description or ()]
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        for row in rows:
            yield dict(zip(names, row, strict=True))
