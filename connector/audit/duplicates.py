"""Records that repeat another one: people by address, or name with phone or company; accounts by domain or name."""

from collections.abc import Iterator
from typing import Final

import duckdb

from connector.audit.finding import Area, Finding, Weakened, graded, severity_of
from connector.audit.subject import Audited
from connector.audit.weakened import points_of
from connector.engine.relations import literal
from mappings.lists import load_lists

_SHOWN: Final = 3
_DIGITS: Final = 7  # a phone number of fewer digits is an extension
# Legal forms at the end of a company's name.
_FORMS: Final = (
    "ab|ag|aps|as|asa|bv|co|company|corp|corporation|gmbh|inc|incorporated|kg|kk|limited|llc|llp|ltd|nv|oy|plc|pte|pty|sa|"
    "sarl|sas|se|spa|srl"
)
_ADVICE: Final = {
    "people": "merge them in the CRM: their activity is split between records, and each is scored on a part of it",
    "accounts": "merge them in the CRM: their people and their intent are split between records",
}


def audit_duplicates(engine: duckdb.DuckDBPyConnection, audited: Audited) -> Area:
    """Measure how many records repeat another one, by each way of telling; the score is that of the worst."""
    findings: list[Finding] = []
    measures: list[dict[str, object]] = []
    scores: list[float] = []
    for of, check, select in _ways(audited):
        keyed = f"SELECT id, key, count(*) OVER (PARTITION BY key) AS size FROM ({select}) WHERE key IS NOT NULL"  # noqa: S608 - our own
        rows = f"SELECT count(DISTINCT id), count(*) - count(DISTINCT key) FROM ({keyed})"  # noqa: S608 - as above
        total, again = engine.execute(rows).fetchall()[0]
        share = again / total if total else 0.0
        measures.append({"of": of, "by": check, "repeated": again, "share": share})
        if total:
            scores.append(graded(share, audited.limits.max_duplicates))
        if share > audited.limits.max_duplicates:
            findings.append(_finding(engine, audited, of, check, keyed, share, again))
    return Area("duplicates", min(scores) if scores else None, tuple(findings), tuple(measures))


def _ways(audited: Audited) -> Iterator[tuple[str, str, str]]:
    """Give each way of telling: of what, by what, and the SELECT of (id, key); a null key tells nothing."""
    yield "people", "email", "SELECT person_id AS id, lower(email) AS key FROM people"
    if audited.edited is not None:
        named = f"people p JOIN {audited.edited} m ON m.role = 'person' AND m.record_id = p.person_id"
        name, digits = _folded("m.name"), "regexp_replace(p.phone, '[^0-9]', '', 'g')"
        # colleagues share the number of their house, so that a number alone tells nobody
        phone = f"CASE WHEN length({digits}) >= {_DIGITS} THEN right({digits}, 10) END"
        yield "people", "phone and name", f"SELECT p.person_id AS id, {phone} || '/' || {name} AS key FROM {named}"  # noqa: S608 - our own
        company = f"COALESCE(p.account_id, {_folded_company('p.company')})"
        yield "people", "name and company", f"SELECT p.person_id AS id, {name} || '/' || {company} AS key FROM {named}"  # noqa: S608 - our own
    free = ", ".join(literal(name) for name in sorted(load_lists(audited.lists.folder)["free_mail"]))
    domain = f"CASE WHEN lower(domain) NOT IN ({free}) THEN lower(domain) END"
    yield "accounts", "domain", f"SELECT account_id AS id, {domain} AS key FROM accounts"  # noqa: S608 - our own
    yield "accounts", "name", f"SELECT account_id AS id, {_folded_company('name')} AS key FROM accounts"  # noqa: S608 - our own


def _folded(text: str) -> str:
    plain = f"regexp_replace(strip_accents(lower({text})), '[^a-z0-9]+', ' ', 'g')"
    return f"NULLIF(trim({plain}), '')"


def _folded_company(text: str) -> str:
    """Fold a company's name without its legal form; a name that is nothing else stays."""
    short = f"NULLIF(trim(regexp_replace({_folded(text)}, '( ({_FORMS}))+$', '')), '')"
    return f"COALESCE({short}, {_folded(text)})"


def _finding(
    engine: duckdb.DuckDBPyConnection, audited: Audited, of: str, check: str, keyed: str, share: float, again: int
) -> Finding:
    limit = audited.limits.max_duplicates
    first = f"array_to_string(list_sort(list(id))[:{_SHOWN}], ' = ')"
    more = f"CASE WHEN count(*) > {_SHOWN} THEN ' and ' || (count(*) - {_SHOWN}) || ' more' ELSE '' END"
    groups = (
        f"SELECT {first} || {more} FROM ({keyed}) WHERE size > 1 "  # noqa: S608 - our own
        f"GROUP BY key ORDER BY max(size) DESC, key LIMIT {_SHOWN}"
    )
    examples = tuple(str(row[0]) for row in engine.execute(groups).fetchall())
    message = f"{again:,} {of} repeat another one by {check} ({share:.1%})"
    weakens = tuple(
        Weakened(model.id, rule.id, points_of(rule)) for model in audited.models for rule in model.spec.engagement
    )
    severity = severity_of(share, limit, weakens or (Weakened("", "", 0.0),))
    return Finding(
        "duplicates",
        check,
        f"{of} by {check}",
        severity,
        message,
        share,
        limit,
        "share",
        _ADVICE[of],
        weakens,
        examples,
    )
