"""Say what a store holds; needs no CRM."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connector.feeds.look import status_lines
from connector.output import Output
from connector.reading import open_reading
from connector.sla.figures import as_hours
from connector.status import standings_in, status_of
from connector.training import drift_told, due


def status(out: Output, config: Path) -> None:
    """Say what the store holds and how the last runs ended."""
    with open_reading(config) as reading:
        data = status_of(reading)
        trained = [line for standing in standings_in(reading) for line in standing.lines()]
    held = ", ".join(f"{n:,} {name}" for name, n in data["tables"].items())
    waiting = ", ".join(f"{n:,} {state}" for state, n in data["outbox"].items()) or "empty"
    lines = [f"store: {held}", f"outbox: {waiting}"]
    if rules := ", ".join(f"{name} {n:,}" for name, n in data["routing"]["rules"].items()):
        lines.append(f"routed in 30 days: {rules}")
    lines += [f"warning: {warning}" for warning in data["routing"]["warnings"]]
    lines += [f"switched off: {what}" for what in data["switched_off"]]
    lines += [
        f"{one['vendor']}: {one['attribute']} of {one['share']:.0%} of {one['of']}"
        for one in data["vendors"]["coverage"]
    ]
    lines += [f"warning: {alarm}" for alarm in data["vendors"]["alarms"]]
    lines += [f"bots: {row['events']:,} events of {row['people']:,} people, {row['reason']}" for row in data["bots"]]
    lines += status_lines(data["feeds"])
    lines += [_sla_line(row) for row in data["sla"]]
    lines += [line for one in data["drift"] for line in drift_told.lines(one, short=True)]
    lines += trained
    lines += [line for one in data["training"] for line in due.looked_of(one).lines()]
    lines += [f"{run['run_id']} {run['command']} {run['status']}, as of {run['as_of']}" for run in data["runs"]]
    out.result(data, lines)


def _sla_line(row: Mapping[str, Any]) -> str:
    """Tell the time to contact of one band."""
    share = "none" if row["breach_share"] is None else f"{row['breach_share']:.0%}"
    name = f"{row['model']} {row['band']}" if row["model"] else row["band"]
    return (
        f"sla {name}: first touch after {as_hours(row['median_s'])} (median), {as_hours(row['p90_s'])} (p90), "
        f"{share} breached, {row['running']:,} clocks running"
    )
