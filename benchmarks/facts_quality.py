"""What the choice among vendors and the audit of facts cost: `python -m benchmarks.facts_quality`.

Prints CPU seconds on one core for docs/enrichment.md and docs/audit.md.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from connector.audit.run import audit
from connector.audit.subject import Audited
from connector.engine.duckdb import open_engine
from connector.enrichment.resolve import Held
from connector.enrichment.step import resolved
from connector.settings.audit import AuditSettings
from connector.settings.enrichment import EnrichSettings
from scoring.model import load_model

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
PEOPLE, SAYINGS_EACH = 1_000_000, 4
AUDITED, EVENTS = 100_000, 560_000


def main() -> None:
    """Measure both and print them as JSON."""
    with TemporaryDirectory() as folder, open_engine() as engine:
        chosen = {"people": PEOPLE, "observations": PEOPLE * SAYINGS_EACH, "cpu_s": _choose(engine, Path(folder))}
    with open_engine() as engine:
        judged = {"people": AUDITED, "events": EVENTS, "cpu_s": _judge(engine)}
    print(json.dumps({"chosen": chosen, "judged": judged}))


def _choose(engine: duckdb.DuckDBPyConnection, folder: Path) -> float:
    """Choose two attributes of everybody, each said by two vendors."""
    file = folder / "attributes.parquet"
    engine.execute(
        f"""COPY (
              SELECT 'person' AS role, 'p' || lpad(i::VARCHAR, 9, '0') AS subject_id, name, vendor,
                (i % 700)::VARCHAR AS value,
                TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL (i % 200) DAY AS observed_at
              FROM range({PEOPLE}) r(i), (VALUES ('employees'), ('industry')) n(name),
                (VALUES ('zoominfo'), ('clearbit')) v(vendor) ORDER BY subject_id, name, vendor)
            TO '{file}' (FORMAT parquet, COMPRESSION zstd)"""  # noqa: S608 - our own names
    )
    engine.execute(
        f"""CREATE TABLE people AS SELECT 'p' || lpad(i::VARCHAR, 9, '0') AS person_id, (i % 500)::DOUBLE AS employees
            FROM range({PEOPLE}) r(i)"""  # noqa: S608 - as above
    )
    vendors = ("zoominfo", "clearbit", "crm")
    wanted = [
        EnrichSettings(attribute="employees", of="people", vendors=vendors, max_age_days=90),
        EnrichSettings(attribute="industry", of="people", vendors=vendors[:2]),
    ]
    held = Held(f"read_parquet('{file}')", None, {"person_id": "VARCHAR", "employees": "DOUBLE"})
    started = time.process_time()
    engine.execute(f"SELECT sum(employees), count(industry) FROM {resolved('people', wanted, held, AS_OF)}")  # noqa: S608 - our own names
    engine.fetchall()
    return round(time.process_time() - started, 2)


def _judge(engine: duckdb.DuckDBPyConnection) -> float:
    """Audit facts for a shipped model."""
    engine.execute("CREATE SCHEMA facts")
    engine.execute(
        f"""CREATE TABLE facts.accounts AS
            SELECT 'a' || i AS account_id, 'Firm ' || i AS name, 'Software' AS industry,
              'firm' || i || '.example' AS domain, (10 + i % 900)::DOUBLE AS employees
            FROM range({AUDITED // 5}) r(i)"""  # noqa: S608 - our own names
    )
    engine.execute(
        f"""CREATE TABLE facts.people AS SELECT 'p' || i AS person_id, 'a' || i % {AUDITED // 5} AS account_id,
              'p' || i || '@firm.example' AS email, 'CEO' AS title, 'c_level' AS seniority, 'DE' AS country,
              TIMESTAMP '2025-01-01' AS created_at FROM range({AUDITED}) r(i)"""  # noqa: S608 - as above
    )
    engine.execute(
        f"""CREATE TABLE facts.events AS
            SELECT 'e' || i AS event_id, (['page_view', 'call', 'meeting'])[i % 3 + 1] AS type,
              'p' || i % {AUDITED} AS person_id,
              'https://x.example/pricing' AS url, TIMESTAMP '2026-06-30' - INTERVAL (i % 90) DAY AS occurred_at
            FROM range({EVENTS}) r(i)"""  # noqa: S608 - as above
    )
    sources = {name: f"facts.{name}" for name in ("people", "accounts", "events")}
    model = load_model("preset:b2b_saas")
    started = time.process_time()
    audit(engine, Audited((model,), AS_OF, AuditSettings(), sources, everyone="facts.people"))
    return round(time.process_time() - started, 2)


if __name__ == "__main__":
    main()
