"""Which vendor is believed, in SQL.

The newest observation of each vendor as of one instant, then the first vendor of the list whose observation is fresh
and can be read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connector.engine.relations import PHYSICAL, canonical, literal, quoted
from connector.settings.enrichment import CRM, EnrichSettings

ATTRIBUTES: Final = "attributes"
UNKNOWN: Final = "[[unknown]]"  # how Clearbit fills a field of which it found nothing
WORDS: Final = "attribute_words"  # what a transform read in a vendor's text
ROLES: Final = {"people": "person", "accounts": "account"}
KEYS: Final = {"people": "person_id", "accounts": "account_id"}


@dataclass(frozen=True)
class Held:
    """Name what there is to resolve from: the lake's relations, null where never written, and the table's columns.

    columns are those of the people or accounts, with DuckDB's name of each one's type; crm_stamp is the one of them
    that says when the CRM's own values were updated.
    """

    attributes: str | None
    words: str | None
    columns: Mapping[str, str]
    crm_stamp: str | None = None


def seen(enriches: Sequence[EnrichSettings], held: Held, as_of: datetime) -> str:
    """Write the relation of each vendor's newest observation as of an instant, one row per subject.

    Columns: subject_id, and per attribute and vendor one named by `place` of {at, value}; null where it never said any.
    """
    of = enriches[0].of
    found = [
        f"max({{'at': observed_at, 'value': value}}) FILTER (WHERE name = {literal(enrich.attribute)} "
        f"AND vendor = {literal(vendor)}) AS {place(enrich, vendor)}"
        for enrich in enriches
        for vendor in enrich.vendors
        if vendor != CRM
    ]
    names = ", ".join(literal(enrich.attribute) for enrich in enriches)
    source = held.attributes or _nothing()
    columns = ", ".join(["subject_id", *found])
    return (
        f"(SELECT {columns} FROM {worded(enriches, source, held.words)} "  # noqa: S608 - names are quoted
        f"WHERE role = {literal(ROLES[of])} AND name IN ({names}) AND observed_at < {_after(as_of)} "
        f"GROUP BY subject_id)"
    )


def place(enrich: EnrichSettings, vendor: str) -> str:
    """Name the column of a vendor's observation of an attribute; no attribute has a blank in its name."""
    return quoted(f"{enrich.attribute} {vendor}")


def candidates(enrich: EnrichSettings, held: Held, as_of: datetime, table: str, observed: str) -> dict[str, str]:
    """Write what each vendor says of an attribute in the type that models see, in order; null where stale or unread.

    table and observed are the aliases of the subject's row and of its row of `seen`.
    """
    return {vendor: _candidate(enrich, vendor, held, as_of, table, observed) for vendor in enrich.vendors}


def _candidate(enrich: EnrichSettings, vendor: str, held: Held, as_of: datetime, table: str, observed: str) -> str:
    if vendor == CRM:
        return _own(enrich, held, as_of, table)
    said = f"{observed}.{place(enrich, vendor)}"
    value = _typed(enrich, f"NULLIF(NULLIF(TRIM({said}.value), ''), {literal(UNKNOWN)})")
    return value if enrich.max_age_days is None else f"CASE WHEN {said}.at >= {_oldest(enrich, as_of)} THEN {value} END"


def _own(enrich: EnrichSettings, held: Held, as_of: datetime, table: str) -> str:
    """Write what the CRM's own column says; without a stamp of its own it has no age."""
    if enrich.attribute not in held.columns:
        return f"CAST(NULL AS {PHYSICAL[enrich.type]})"
    value = canonical(f"{table}.{quoted(enrich.attribute)}", held.columns[enrich.attribute], enrich.type)
    value = f"NULLIF(TRIM({value}), '')" if enrich.type == "text" else value
    if enrich.max_age_days is None or held.crm_stamp is None:
        return value
    stamp = f"{table}.{quoted(held.crm_stamp)}"
    return f"CASE WHEN {stamp} IS NULL OR {stamp} >= {_oldest(enrich, as_of)} THEN {value} END"


def _typed(enrich: EnrichSettings, text: str) -> str:
    found = canonical(text, "VARCHAR", enrich.type)
    return f"NULLIF({found}, 'NaN'::DOUBLE)" if enrich.type == "number" else found


def worded(enriches: Sequence[EnrichSettings], source: str, words: str | None) -> str:
    """Put in the place of a vendor's text what the attribute's transform read in it."""
    transforms = {enrich.attribute: enrich.transform for enrich in enriches if enrich.transform}
    if not transforms or words is None:
        return source
    cases = " ".join(f"WHEN {literal(name)} THEN {literal(transform)}" for name, transform in transforms.items())
    return (
        f"(SELECT a.* REPLACE (CASE WHEN a.transform IS NULL THEN a.value ELSE w.meaning END AS value) "  # noqa: S608 - as above
        f"FROM (SELECT *, CASE name {cases} END AS transform FROM {source}) a "
        f"LEFT JOIN {words} w ON w.word_id = a.transform || ':' || a.value)"
    )


def _nothing() -> str:
    columns = "NULL::VARCHAR AS role, NULL::VARCHAR AS subject_id, NULL::VARCHAR AS name, NULL::VARCHAR AS value"
    return f"(SELECT {columns}, NULL::VARCHAR AS vendor, NULL::TIMESTAMPTZ AS observed_at WHERE false)"


def _after(as_of: datetime) -> str:
    """Write the first second after an instant; scores compare whole seconds."""
    return f"to_timestamp({int(as_of.timestamp()) + 1})"


def _oldest(enrich: EnrichSettings, as_of: datetime) -> str:
    """Write the earliest instant that still is fresh."""
    return f"to_timestamp({int(as_of.timestamp()) - round((enrich.max_age_days or 0) * 86_400)})"
