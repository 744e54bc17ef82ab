"""Good facts of 400 people over 14 weeks, which a test then spoils in one way, and what an audit says of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from connector.audit.finding import Audit
from connector.audit.run import audit
from connector.audit.subject import Audited
from connector.engine.duckdb import open_engine
from connector.settings.audit import AuditSettings
from scoring.model import Model, load_model

AS_OF = datetime(2026, 7, 1, tzinfo=UTC)
MODEL = """
[model]
id = "fit_to_score"

[[fit]]
id = "chief"
when = { field = "seniority", is = "c_level" }
points = 20

[[fit]]
id = "software"
when = { field = "account.industry", in = ["Software", "Internet"] }
points = 15

[[fit]]
id = "size"
field = "account.employees"
brackets = [{ below = 100, points = 5 }, { points = 10 }]

[[fit]]
id = "home"
when = { field = "country", in = ["DE", "FR"] }
points = 5

[[engagement]]
id = "pricing"
event = "page_view"
where = { field = "url", contains = "/pricing" }
points = 8
cap = 40

[[engagement]]
id = "call"
event = "call"
points = 10
cap = 30
"""
GOOD = (
    """CREATE TABLE accounts AS
    SELECT 'a' || i AS account_id, 'Firm ' || i AS name, 'firm' || i || '.example' AS domain,
      (['Software', 'Internet', 'Retail', 'Energy'])[i % 4 + 1] AS industry, (10 + i * 7)::DOUBLE AS employees,
      (1000 * i)::DOUBLE AS revenue, 'DE' AS country
    FROM range(100) r(i)""",
    """CREATE TABLE people AS
    SELECT 'p' || i AS person_id, 'a' || i % 100 AS account_id, 'p' || i || '@firm' || i % 100 || '.example' AS email,
      '+49 30 55' || (100000 + i) AS phone, 'CEO' AS title, (['c_level', 'vp', 'staff'])[i % 3 + 1] AS seniority,
      'sales' AS department, (['DE', 'FR'])[i % 2 + 1] AS country, NULL::VARCHAR AS company,
      TIMESTAMP '2025-01-01' + INTERVAL (i) HOUR AS created_at, NULL::TIMESTAMP AS converted_at
    FROM range(400) r(i)""",
    """CREATE TABLE events AS
    SELECT 'e' || w || '_' || i AS event_id, (['page_view', 'call'])[i % 2 + 1] AS type,
      'p' || (w * 20 + i) AS person_id, 'https://x.example/pricing' AS url,
      TIMESTAMP '2026-07-01' - INTERVAL (w * 168 + i * 4 + 1) HOUR AS occurred_at
    FROM range(14) r(w), range(40) s(i)""",
    """CREATE TABLE outcomes AS
    SELECT (['closed_won', 'closed_lost'])[i % 2 + 1] AS kind, 'p' || i AS person_id, 'a' || i % 100 AS account_id,
      TIMESTAMP '2026-06-01' - INTERVAL (i) DAY AS occurred_at
    FROM range(160) r(i)""",
    """CREATE TABLE mirror AS
    SELECT 'person' AS role, person_id AS record_id, 'Ann ' || person_id AS name,
      TIMESTAMPTZ '2026-05-01 00:00:00+00' AS modified_at, 'hot' AS band
    FROM people""",
)


def model_of(folder: Path, text: str = MODEL) -> Model:
    """Load a model from its text."""
    file = folder / "model.toml"
    file.write_text(text, encoding="utf-8")
    return load_model(file)


def judged(model: Model, spoil: Sequence[str] = (), *, without: Sequence[str] = (), **changes: object) -> Audit:
    """Audit the good facts after these statements, without some of the tables."""
    with open_engine() as engine:
        for statement in (*GOOD, *spoil):
            engine.execute(statement)
        tables = {name: name for name in ("people", "accounts", "events", "outcomes") if name not in without}
        engine.execute("CREATE SCHEMA IF NOT EXISTS facts")
        _move(engine, [*tables, "mirror"])
        sources = {name: f"facts.{name}" for name in tables}
        bands = tuple(band.id for band in model.bands)
        found = Audited((model,), AS_OF, AuditSettings(), sources, "facts.people", "facts.mirror", bands=bands)
        return audit(engine, replace(found, **changes))  # type: ignore[arg-type]  # the fields of Audited


def _move(engine: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """Put the tables where the audit's own temporary ones do not hide them."""
    for name in names:
        engine.execute(f"CREATE TABLE facts.{name} AS SELECT * FROM main.{name}")  # noqa: S608 - our own names
        engine.execute(f"DROP TABLE main.{name}")


def named(found: Audit) -> set[tuple[str, str, str]]:
    """Name the findings: area, check, where."""
    return {(one.area, one.check, one.where) for one in found.findings}
