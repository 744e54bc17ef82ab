"""Whether there is anything to learn from: enough won and lost, and known whose they are."""

from typing import Final

import duckdb

from connector.audit.finding import Area, Finding, Severity
from connector.audit.subject import Audited
from connector.engine.relations import relation

CLOSED: Final = ("closed_won", "closed_lost")
_SCARCE: Final = 0.2  # of what is enough: less is severe


def audit_outcomes(engine: duckdb.DuckDBPyConnection, audited: Audited) -> Area:
    """Count what was won and lost until now; half of the score is how many, the other half how many name a person."""
    if "outcomes" not in audited.sources:
        return Area("outcomes", 0.0, (_none(audited),))
    known = relation(engine, "outcomes", audited.sources["outcomes"])
    person = "person_id IS NOT NULL" if "person_id" in known.types else "false"
    until = f"occurred_at <= {audited.at}"
    deals = "kind IN ('opportunity_created', 'closed_won', 'closed_lost')"
    won, lost, every, linked = engine.execute(
        f"""SELECT count(*) FILTER (kind = 'closed_won'), count(*) FILTER (kind = 'closed_lost'),
                count(*) FILTER ({deals}), count(*) FILTER ({deals} AND {person})
            FROM ({known.view()}) WHERE {until}"""  # noqa: S608 - our own
    ).fetchall()[0]
    if not every:
        return Area("outcomes", 0.0, (_none(audited),))
    enough = audited.limits.min_outcomes
    found = [_too_few(kind, count, enough) for kind, count in zip(CLOSED, (won, lost), strict=True) if count < enough]
    share = linked / every
    if share < audited.limits.min_linked:
        found.append(_unlinked(share, audited.limits.min_linked, every - linked))
    plenty = sum(min(1.0, count / enough) if enough else 1.0 for count in (won, lost)) / 2
    score = 50 * plenty + 50 * min(1.0, share / audited.limits.min_linked if audited.limits.min_linked else 1.0)
    measure: dict[str, object] = {"won": won, "lost": lost, "with_person": share}
    return Area("outcomes", score, tuple(found), (measure,))


def _none(audited: Audited) -> Finding:
    return Finding(
        "outcomes", "missing", "outcomes", "severe" if audited.limits.min_outcomes else "note",
        "there are no opportunities: nobody can say whether the score is right", 0.0, audited.limits.min_outcomes,
        "outcomes", "map opportunities or deals ([read.X] with table = \"outcomes\"), and close them in the CRM",
    )  # fmt: skip


def _too_few(kind: str, count: int, enough: int) -> Finding:
    word = kind.removeprefix("closed_")
    severity: Severity = "severe" if count < enough * _SCARCE else "warning"
    message = f"{count:,} opportunities were {word}, {enough:,} are enough to learn from"
    advice = "close opportunities that are over: lost ones are as much worth knowing as won ones"
    return Finding("outcomes", kind, "outcomes", severity, message, count, enough, "outcomes", advice)


def _unlinked(share: float, limit: float, without: int) -> Finding:
    severity: Severity = "severe" if share < limit / 2 else "warning"
    message = f"{without:,} outcomes name no person ({share:.0%} do)"
    advice = "give opportunities a contact (contact roles, associations): without, nobody's activity led to them"
    return Finding("outcomes", "without_person", "outcomes", severity, message, share, limit, "share", advice)
