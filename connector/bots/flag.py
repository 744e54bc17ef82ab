"""The stage that finds machines: whose events came anew is judged anew, over all that they ever did.

Flags are kept beside the events (`flags`: event_id, person_id, account_id, reason, rule_version), which stay as they
were pulled. A burst that ends today makes yesterday's half of it a machine's too.
"""

import duckdb

from connector.bots.find import findings, prepare
from connector.bots.see import KEY
from connector.crash import crash_point
from connector.engine.relations import literal
from connector.job import Job
from connector.store import flagged
from connector.store.lake import Lake
from connector.store.state import transaction
from connector.tables import FLAGS
from connector.touched import touched_by

_SAME = "f.person_id IS NOT DISTINCT FROM w.person_id AND f.account_id IS NOT DISTINCT FROM w.account_id"


def flag_stage(job: Job) -> int:
    """Judge the events that came since the last time, and those of the same people; returns how many flags changed."""
    settings, held = job.settings.bots, flagged.get(job.state)
    version = settings.version if settings.enabled else "off"
    newest = max((file.seq for file in job.lake.files("events")), default=0)
    if held == (version, newest) or (held is None and not (newest and settings.enabled)):
        return 0
    job.progress.begin("look for bots")
    with job.engine() as engine:
        _judge(engine, job, version, held)
        fresh = engine.sql("FROM fresh").to_arrow_table()
        stale = [row[0] for row in engine.execute("FROM stale").fetchall()]
    delta = job.lake.merge(FLAGS, KEY, [fresh], stale)
    deltas = [delta, *touched_by(job, delta, whole=False)]
    crash_point("flag: files written")
    with transaction(job.state):
        for made in deltas:
            job.lake.commit(made)
        flagged.put(job.state, version, newest)
    job.lake.compact(FLAGS, KEY, ("person_id", KEY))
    return delta.rows


def _judge(engine: duckdb.DuckDBPyConnection, job: Job, version: str, asked: tuple[str, int] | None) -> None:
    """Put the flags that are new or say something else into `fresh`, those that hold no more into `stale`."""
    settings, events = job.settings.bots, job.lake.relation("events")
    held = job.lake.relation(FLAGS) or _nothing()
    whose = _whose(engine, job.lake, asked, version)
    if events is None or not settings.enabled:
        found, before = _nothing(), held
    else:
        columns = job.lake.columns("events")
        prepare(engine, settings, _of(events, columns, whose), columns)
        found = f"({findings(engine, settings)})"
        before = _of(held, ("person_id", "account_id"), whose)
    engine.execute(
        f"""CREATE TEMPORARY TABLE now_flagged AS
            SELECT {KEY}, person_id, account_id, reason, {literal(version)} AS rule_version FROM {found};
            CREATE TEMPORARY TABLE was_flagged AS SELECT {KEY}, person_id, account_id, reason FROM {before};
            CREATE TEMPORARY TABLE stale AS SELECT {KEY} FROM was_flagged EXCEPT SELECT {KEY} FROM now_flagged;
            CREATE TEMPORARY TABLE fresh AS SELECT * FROM now_flagged n WHERE NOT EXISTS
            (FROM was_flagged w WHERE w.{KEY} = n.{KEY} AND w.reason = n.reason
             AND w.person_id IS NOT DISTINCT FROM n.person_id AND w.account_id IS NOT DISTINCT FROM n.account_id)"""  # noqa: S608 - file lists and names of our own; values are quoted
    )


def _whose(engine: duckdb.DuckDBPyConnection, lake: Lake, held: tuple[str, int] | None, version: str) -> str | None:
    """Name the table of those (person_id, account_id) to judge anew, null where that is everybody.

    It is everybody under other rules, or where a file that came since is there no more. A row that came or went names
    its person by what it says now and by what it said before.
    """
    came = lake.since("events", held[1]) if held is not None and held[0] == version else None
    if came is None:
        return None
    if not came:  # nothing but older files, merged into one
        engine.execute("CREATE TEMPORARY TABLE whose (person_id VARCHAR, account_id VARCHAR)")
        return "whose"
    every = dict.fromkeys([*came, *lake.paths("events")])
    new, files = (", ".join(literal(str(path)) for path in paths) for paths in (came, every))
    columns = lake.columns("events")
    who = ", ".join(name if name in columns else f"NULL::VARCHAR AS {name}" for name in ("person_id", "account_id"))
    engine.execute(
        f"""CREATE TEMPORARY TABLE whose AS
            WITH came AS MATERIALIZED (SELECT {KEY} FROM read_parquet([{new}], union_by_name = true))
            SELECT DISTINCT {who} FROM read_parquet([{files}], union_by_name = true) WHERE {KEY} IN (FROM came)"""  # noqa: S608 - file lists of our own making
    )
    return "whose"


def _of(relation: str, columns: object, whose: str | None) -> str:
    """Keep the rows of those to judge."""
    if whose is None:
        return relation
    return f"(SELECT f.* FROM {relation} f SEMI JOIN {whose} w ON {_SAME})"  # noqa: S608 - as above


def _nothing() -> str:
    """Give no flags at all."""
    names = ", ".join(f"NULL::VARCHAR AS {name}" for name in (KEY, "person_id", "account_id", "reason"))
    return f"(SELECT {names} WHERE false)"
