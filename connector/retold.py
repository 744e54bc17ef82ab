"""Events that two records tell: the poorer telling is not seen."""

from connector.view import Relations, View
from mappings.wanted import REPLACES


def unretold(view: View, found: Relations) -> Relations:
    """Leave out the events that another one replaces (the task that logs a mail), and the column that says so."""
    if "events" not in found or REPLACES not in view.lake.columns("events"):
        return found
    events, raw = found["events"], view.lake.relation("events")
    told = f"SELECT {REPLACES} AS event_id FROM {raw} WHERE {REPLACES} IS NOT NULL"  # noqa: S608 - our own names
    kept = f"(SELECT * EXCLUDE ({REPLACES}) FROM {events} AS e ANTI JOIN ({told}) AS r USING (event_id))"  # noqa: S608 - as above
    return {**found, "events": kept}
