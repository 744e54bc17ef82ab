"""What a store holds, in figures."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import duckdb

from connector.bots.see import flag_counts
from connector.enrichment.coverage import alarms, last_measured
from connector.feedback import verdict_counts
from connector.feeds.look import feed_rows
from connector.reading import Reading
from connector.routing.shares import rule_hits, share_warnings, watched_shares
from connector.sla.figures import sla_figures
from connector.store import outbox, runs
from connector.tables import ACCOUNT_SCORES, SCORES, tables_of
from connector.trained.standing import Standing, standings
from connector.training import drift_told, due


def status_of(reading: Reading) -> dict[str, Any]:
    """Count what the store holds and list the newest runs."""
    state, settings = reading.state, reading.settings
    newest = runs.list_runs(state, limit=5)
    with reading.engine() as engine:
        held = dict(_counts(engine, reading))
        verdicts = verdict_counts(engine, reading.lake, reading.models)
        bots = flag_counts(engine, reading.lake)
        feeds = feed_rows(engine, state, reading.lake, settings.feed) if settings.feed else []
    return {
        "tables": held,
        "outbox": dict(Counter(row.state for row in outbox.rows(state, outbox.OPEN))),
        "baseline": runs.baseline_made(state),
        "routing": _routing(reading, newest),
        "switched_off": next((run.counts["switched_off"] for run in newest if "switched_off" in run.counts), []),
        "runs": [run.as_dict() for run in newest],
        "feedback": verdicts,
        "feeds": feeds,
        "bots": bots,
        "vendors": {
            "coverage": [asdict(one) for one in last_measured(state)],
            "alarms": list(alarms(state, settings)),
        },
        "sla": [figures.as_dict() for figures in sla_figures(state)],
        "drift": drift_told.kept(state),
        "training": [looked.as_dict() for looked in due.kept(state)],
        "trained": [standing.as_dict() for standing in standings_in(reading)],
    }


def standings_in(reading: Reading) -> list[Standing]:
    """Say which trained models score, and which wait; ages are as of the newest run."""
    newest = runs.list_runs(reading.state, limit=1)
    return standings(reading.state, reading.models, newest[0].as_of if newest else datetime.now(UTC))


def _routing(reading: Reading, newest: list[runs.Run]) -> Mapping[str, Any]:
    hits = rule_hits(reading.state, newest[0].as_of) if newest else {}
    return {
        "rules": dict(hits),
        "warnings": list(share_warnings(hits, watched_shares(reading.settings.route))),
    }


def _counts(engine: duckdb.DuckDBPyConnection, reading: Reading) -> Iterator[tuple[str, int]]:
    """Count the facts, and the scores of every model."""
    scores = (tables_of(line)[0] for line in reading.models.lines)
    for table in dict.fromkeys(["people", "accounts", "events", SCORES, ACCOUNT_SCORES, *scores]):
        relation = reading.lake.relation(table)
        found = engine.execute(f"SELECT count(*) FROM {relation}").fetchone() if relation else None  # noqa: S608 - a file list of our own making
        yield table, int(found[0]) if found else 0
