"""What is told of a record beside its points: whom it goes on for, why it is out of the game, what cannot be read."""

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from connector.engine.explaining import explain as explain_one
from connector.engine.explaining import explain_account
from connector.models import Line
from connector.reading import Reading
from connector.store import runs
from connector.successors import resolved
from connector.tables import SUCCESSORS
from scoring.conditions import Condition, in_words
from scoring.explain import Explanation


def goes_on_as(engine: duckdb.DuckDBPyConnection, reading: Reading, record: str) -> str | None:
    """Name the record that a merged or converted one goes on as; null for one that is itself."""
    for role in ("person", "account"):
        ends = resolved(reading.lake, role)
        found = engine.execute(f"SELECT new_id FROM {ends} WHERE old_id = ?", [record]).fetchone() if ends else None  # noqa: S608 - a file list of our own making
        if found is not None:
            return str(found[0])
    return None


def forerunners(engine: duckdb.DuckDBPyConnection, reading: Reading, record: str, line: Line) -> Iterator[str]:
    """Tell which records a record goes on for."""
    ends, moves = resolved(reading.lake, line.role), reading.lake.relation(SUCCESSORS)
    if ends is None:
        return
    rows = engine.execute(
        f"""SELECT m.old_id FROM {moves} m JOIN {ends} e USING (old_id)
            WHERE e.new_id = ? AND m.role = ? ORDER BY m.moved_at, m.old_id""",  # noqa: S608 - as above
        [record, line.role],
    ).fetchall()
    for (old,) in rows:
        yield f"goes on for {old}, whose history counts here"


def because(engine: duckdb.DuckDBPyConnection, line: Line, told: Explanation, sources: Mapping[str, str]) -> list[str]:
    """Say which of its model's conditions suppress a record; each is asked alone, by the statement that scores.

    Empty for every other state.
    """
    spec = line.model.spec
    if told.state != "suppressed" or spec.suppress is None:
        return []
    holding = []
    for condition in _alternatives(spec.suppress.when):
        alone = spec.model_copy(update={"suppress": spec.suppress.model_copy(update={"when": condition})})
        model = line.model.model_copy(update={"spec": alone})
        known: Any = {"as_of": told.as_of, "sources": sources, "subject_id": told.subject_id}
        if line.role == "account":
            asked = explain_account(engine, model, people=line.rolled, **known)
        else:
            asked = explain_one(engine, model, **known)
        holding += [in_words(condition)] if asked.state == "suppressed" else []
    return [f"suppressed: {' and '.join(holding)}"]


def _alternatives(condition: Condition) -> Iterator[Condition]:
    for part in condition.any_ or ():
        yield from _alternatives(part)
    if condition.any_ is None:
        yield condition


def unread(reading: Reading) -> list[str]:
    """List what the newest run could not read or write, in the words of a status."""
    newest = runs.list_runs(reading.state, limit=5)
    lines: list[str] = next((run.counts["switched_off"] for run in newest if "switched_off" in run.counts), [])
    return [f"switched off: {what}" for what in lines]
