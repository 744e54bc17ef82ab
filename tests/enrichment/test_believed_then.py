"""What training reads of vendors' attributes: what was believed at the time, and not what is believed now."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.reading import open_reading
from connector.sandbox.server import Crm
from connector.training.facts import open_facts
from connector.training.histories import note_values
from connector.training.snapshots import begin
from connector.training.store import newest_pull, past_of, stored_facts
from tests.enrichment.vendors import company, field_name, vendors_loop
from tests.loop.loops import Loop

DAYS = ("2026-03-01", "2026-04-01", "2026-06-30", "2026-07-09", "2026-12-15", "2027-02-01")


def believed(loop: Loop, who: str) -> dict[str, float | None]:
    """Give the employees of a person's company as training reads them at some days."""
    with open_reading(loop.config) as reading, reading.engine() as engine:
        at = newest_pull(reading)
        facts = open_facts(engine, stored_facts(reading, at), at, past_of(reading, loop.config))
        begin(engine, facts, "opportunity_created")
        person = loop.people()[f"p_{who}"]["id"]
        times = ", ".join(
            f"('{person}', {int(datetime.fromisoformat(d).replace(tzinfo=UTC).timestamp())})" for d in DAYS
        )
        engine.execute(f"CREATE TEMPORARY TABLE snapshots AS SELECT * FROM (VALUES {times}) s(subject_id, as_of_s)")  # noqa: S608 - our own numbers
        noted = note_values(engine, facts)
        assert "account.employees" in noted.fields
        assert "account.employees" not in noted.known  # who is asked last is the CRM, of which nothing was noted then
        rows = engine.execute('SELECT "f.account.employees" FROM snapshots ORDER BY as_of_s').fetchall()
    return dict(zip(DAYS, (row[0] for row in rows), strict=True))


@pytest.fixture
def crm() -> Crm:
    return "hubspot"


def test_a_row_knows_what_vendors_had_said_by_then(
    crm: Crm, vendors_template: Callable[[Crm], Path], tmp_path: Path
) -> None:
    with vendors_loop(crm, vendors_template(crm), tmp_path) as loop:
        loop.sync()
        # The CRM says 50, zoominfo 480 on 12 March, clearbit 900 on 1 June; what is older than 180 days is unknown.
        assert list(believed(loop, "both").values()) == [50, 480, 480, 480, 50, 50]
        assert believed(loop, "older")["2026-06-30"] == 50
        assert believed(loop, "nobody")["2026-06-30"] is None
        loop.advance(2 * 86_400)
        fields = {field_name(crm, "zoominfo_employees"): "700", "numberofemployees": "60"}
        fields[field_name(crm, "zoominfo_updated_at")] = "2026-07-02T00:00:00Z"
        loop.edit(company(loop, "both"), **fields)
        loop.advance(60)
        loop.sync()
        assert list(believed(loop, "both").values()) == [50, 480, 480, 700, 700, 60]
