"""Which values are too old, by what vendors or the CRM say of their age, and which texts nothing was read in."""

from collections.abc import Mapping
from typing import Final

import duckdb

from connector.audit.subject import KEYS, NEEDED, Audited
from connector.engine.relations import literal, quoted, relation
from mappings.lists import load_words

# What a field is read from by the packaged mappings.
_READ_FROM: Final = {
    "seniority": "title",
    "department": "title",
    "industry_class": "industry",
    "source_class": "source",
}
_ROLES: Final = {"people": "person", "accounts": "account"}


def stale_shares(engine: duckdb.DuckDBPyConnection, audited: Audited, of: str) -> dict[str, float]:
    """Give the share of the known values that are stale, by field; fields of which nobody tells are absent.

    What is enriched is stale where only an older observation knows it; other values with a record that nobody edited.
    """
    found = _by_edits(engine, audited, of)
    return {**found, **_by_observation(engine, audited, of)}


def unread_shares(engine: duckdb.DuckDBPyConnection, audited: Audited, of: str) -> dict[str, float]:
    """Give the share of the texts that gave no value, by field."""
    found: dict[str, float] = {}
    names = audited.fields(of)
    for name, source in _READ_FROM.items():
        if name in names and source in NEEDED[of]:
            select = f"SELECT count(*), count(*) FILTER ({name} IS NULL) FROM {of} WHERE {source} IS NOT NULL"  # noqa: S608 - our own names
            found |= _share(engine, name, select)
    codes = ", ".join(literal(code) for code in load_words("country", audited.lists))
    for name in ("country", "account.country"):
        if name in names:
            column = quoted(name)
            unknown = f"{column} NOT IN ({codes}) AND NOT regexp_full_match({column}, '[A-Z]{{2}}')"
            select = f"SELECT count(*), count(*) FILTER ({unknown}) FROM {of} WHERE {column} IS NOT NULL"  # noqa: S608 - quoted
            found |= _share(engine, name, select)
    return {**found, **_by_transform(engine, audited, of)}


def _by_observation(engine: duckdb.DuckDBPyConnection, audited: Audited, of: str) -> dict[str, float]:
    """Compare what is believed with what would be believed at any age."""
    found: dict[str, float] = {}
    names = set(audited.fields(of))
    for enrich in audited.enriches:
        if enrich.max_age_days is None or enrich.of not in audited.unaged:
            continue
        shown = [name for name in (enrich.attribute, f"account.{enrich.attribute}") if name in names]
        key, column = KEYS[enrich.of], quoted(enrich.attribute)
        now = relation(engine, enrich.of, audited.sources.get(enrich.of)).view()
        ever = relation(engine, enrich.of, audited.unaged[enrich.of]).view()
        if shown and (of == enrich.of or shown == [f"account.{enrich.attribute}"]):
            select = f"""SELECT count(e.{column}), count(e.{column}) FILTER (n.{column} IS NULL)
                FROM ({ever}) e JOIN ({now}) n ON n.{key} = e.{key}"""  # noqa: S608 - quoted
            found |= _share(engine, shown[-1], select)
    return found


def _by_edits(engine: duckdb.DuckDBPyConnection, audited: Audited, of: str) -> dict[str, float]:
    own = [name for name in audited.fields(of) if "." not in name]
    if audited.edited is None or not own:
        return {}
    days = audited.limits.stale_days * 86_400
    old = f"epoch(m.modified_at) < {int(audited.as_of.timestamp() - days)}"
    each = ", ".join(f"count({quoted(n)}), count({quoted(n)}) FILTER ({old})" for n in own)
    joined = f"{of} t JOIN {audited.edited} m ON m.role = '{_ROLES[of]}' AND m.record_id = t.{KEYS[of]}"
    row = engine.execute(f"SELECT {each} FROM {joined}").fetchall()[0]  # noqa: S608 - quoted
    pairs = zip(own, row[::2], row[1::2], strict=True)
    return {name: stale / known for name, known, stale in pairs if known}


def _by_transform(engine: duckdb.DuckDBPyConnection, audited: Audited, of: str) -> Mapping[str, float]:
    """Count the observed texts in which an attribute's transform found nothing."""
    found: dict[str, float] = {}
    for enrich in audited.enriches:
        name = enrich.attribute if enrich.of == of else f"account.{enrich.attribute}"
        if enrich.transform and audited.words and audited.attributes and name in audited.fields(of):
            select = f"""SELECT count(*), count(*) FILTER (w.meaning IS NULL)
                FROM (SELECT DISTINCT subject_id, value FROM {audited.attributes}
                      WHERE role = {literal(_ROLES[enrich.of])} AND name = {literal(enrich.attribute)}) a
                JOIN {audited.words} w ON w.word_id = {literal(f"{enrich.transform}:")} || a.value"""  # noqa: S608 - quoted
            found |= _share(engine, name, select)
    return found


def _share(engine: duckdb.DuckDBPyConnection, name: str, select: str) -> dict[str, float]:
    total, part = engine.execute(select).fetchall()[0]
    return {name: part / total} if total else {}
