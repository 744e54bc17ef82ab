"""Commands for what waits to be written and what the CRM refused: list, retry, drop."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from connector.errors import ConfigError
from connector.output import Output, table
from connector.reading import open_reading
from connector.store import outbox, quarantine
from connector.store.lock import hold
from connector.store.outbox import OutboxRow
from connector.store.state import utc_text

SHOWN = ("id", "kind", "object", "record_id", "state", "attempts", "reason")


def queue_list(out: Output, config: Path) -> None:
    """List what is not settled."""
    with open_reading(config) as reading:
        rows = [_told(row) for row in outbox.rows(reading.state, outbox.OPEN)]
    cells = [[str(row[key]) for key in (*SHOWN[:-1], "not_before", "reason")] for row in rows]
    heads = ("id", "kind", "object", "record", "state", "tries", "next try", "reason")
    out.result({"rows": rows}, [table(None, heads, cells)])


def queue_retry(out: Output, config: Path, ids: Sequence[int]) -> None:
    """Let the next run try refused rows, all where none is named; raises ConfigError for ids that are not refused."""
    with open_reading(config) as reading, hold(reading.folder):
        _refuse_unknown(ids, quarantine.refused(reading.state))
        found = quarantine.retry(reading.state, ids or None)
    out.result({"retried": found}, [f"{len(found):,} refused rows will be tried by the next run"])


def queue_drop(out: Output, config: Path, ids: Sequence[int]) -> None:
    """Give refused rows up; raises ConfigError for ids that are not refused."""
    with open_reading(config) as reading, hold(reading.folder):
        _refuse_unknown(ids, quarantine.refused(reading.state))
        found = quarantine.drop(reading.state, ids)
    out.result({"dropped": found}, [f"{len(found):,} refused rows were given up"])


def _told(row: OutboxRow) -> dict[str, object]:
    until = utc_text(row.not_before) if row.not_before else ""
    return {key: getattr(row, key) for key in SHOWN} | {"run_id": row.run_id, "not_before": until}


def _refuse_unknown(ids: Sequence[int], refused: Iterable[OutboxRow]) -> None:
    known = {row.id for row in refused}
    if unknown := [str(row_id) for row_id in ids if row_id not in known]:
        raise ConfigError(f"queue: no refused row has the id {', '.join(unknown)}; see `leadlight queue list`")
