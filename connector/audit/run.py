"""An audit from its parts: what a store holds, seen as the models see it, and every area judged."""

from datetime import datetime
from typing import Final

import duckdb

from connector.audit.activity import audit_activity
from connector.audit.consistency import audit_consistency
from connector.audit.duplicates import audit_duplicates
from connector.audit.fields import audit_fields
from connector.audit.finding import Audit
from connector.audit.outcomes import audit_outcomes
from connector.audit.subject import Audited, prepare
from connector.engine.relations import quoted
from connector.enrichment.resolve import ATTRIBUTES, WORDS
from connector.facts import relations
from connector.models import Models
from connector.settings.file import Settings
from connector.store.lake import Lake
from connector.tables import MIRROR
from mappings.lists import open_lists
from mappings.model import Mapping as CrmMapping

_OUTCOMES: Final = "outcomes"


def audit(engine: duckdb.DuckDBPyConnection, audited: Audited) -> Audit:
    """Judge every area; reads the facts and writes nothing but temporary tables of the session."""
    types = prepare(engine, audited)
    activity, newest_at = audit_activity(engine, audited, has_urls="url" in types["events"])
    areas = (
        audit_fields(engine, audited, types),
        activity,
        audit_outcomes(engine, audited),
        audit_duplicates(engine, audited),
        audit_consistency(engine, audited),
    )
    people = int(engine.execute("SELECT count(*) FROM people").fetchall()[0][0])
    return Audit(audited.as_of, areas, people, newest_at)


def audited_store(
    lake: Lake, settings: Settings, models: Models, as_of: datetime, mapping: CrmMapping | None = None
) -> Audited:
    """Name what a store holds; with a mapping, the bands that records show are compared too."""
    sources = relations(lake, settings, as_of)
    if outcomes := lake.relation(_OUTCOMES):
        sources[_OUTCOMES] = outcomes
    ageless = tuple(enrich.model_copy(update={"max_age_days": None}) for enrich in settings.enrich)
    unaged = relations(lake, settings.model_copy(update={"enrich": ageless}), as_of) if ageless else {}
    band = _band_column(lake, mapping)
    columns = f"role, record_id, name, modified_at, {band or 'NULL::VARCHAR'} AS band"
    mirror = lake.relation(MIRROR)
    return Audited(
        models=tuple(line.model for line in models.lines),
        as_of=as_of,
        limits=settings.audit,
        sources=sources,
        everyone=lake.relation("people"),
        edited=f"(SELECT {columns} FROM {mirror})" if mirror else None,  # noqa: S608 - a file list of our own making
        unaged={of: unaged[of] for of in ("people", "accounts") if of in unaged},
        words=lake.relation(WORDS),
        attributes=lake.relation(ATTRIBUTES),
        enriches=settings.enrich,
        bands=tuple(known.id for known in models.people.bands) if band else (),
        lists=open_lists(settings.lists.folder),
    )


def _band_column(lake: Lake, mapping: CrmMapping | None) -> str | None:
    """Name the mirror's column that holds the primary model's band."""
    specs = mapping.write.specs("person", None).values() if mapping else ()
    fields = [f"={spec.field}" for spec in specs if spec.from_ == "band"]
    held = lake.columns(MIRROR) if fields else {}
    return next((quoted(name) for name in fields if name in held), None)
