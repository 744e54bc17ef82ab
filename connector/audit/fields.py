"""How far the fields that models read are filled, fresh, read by their transforms, and of values that models know."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import duckdb

from connector.audit.finding import Area, Finding, Weakened, severity_of
from connector.audit.stale import stale_shares, unread_shares
from connector.audit.subject import Audited
from connector.audit.weakened import by_field, conditions_on
from connector.engine.relations import literal, quoted
from scoring.schema import ColumnType

_ENOUGH: Final = 50  # so many filled values say something about their kind
_MANY: Final = 20  # no list to choose from has so many entries that nearly each occurs once
_OF: Final = {"people": "person", "accounts": "account"}


def audit_fields(
    engine: duckdb.DuckDBPyConnection, audited: Audited, types: Mapping[str, Mapping[str, ColumnType]]
) -> Area:
    """Measure every field that a model reads; the score is their usable share, weighted by the points they decide."""
    findings: list[Finding] = []
    measures: list[dict[str, object]] = []
    usable: list[tuple[float, float]] = []
    for of in _OF:
        stale, unread = stale_shares(engine, audited, of), unread_shares(engine, audited, of)
        for name, (total, filled, distinct) in _counts(engine, audited, of).items():
            models = [
                model for model in audited.models if (model.spec.model.subject == "account") == (of == "accounts")
            ]
            weakens = by_field(models, name)
            where = name if of == "people" else f"account {name}"
            fill = filled / total if total else 0.0
            measure: dict[str, object] = {"of": of, "field": name, "fill": fill, "distinct": distinct}
            measures.append({**measure, "stale": stale.get(name), "unread": unread.get(name)})
            weight = max((abs(one.points) for one in weakens), default=0.0)
            usable.append((weight, fill * (1 - (stale.get(name) or 0.0)) * (1 - (unread.get(name) or 0.0))))
            findings += _of_fill(audited, where, fill, total, weakens)
            findings += _of_age(audited, where, stale.get(name), weakens)
            findings += _of_reading(audited, where, unread.get(name), weakens)
            if types[of].get(name) == "text":
                findings += _of_values(engine, audited, of, name, (filled, distinct), weakens)
    weights = sum(weight for weight, _ in usable)
    score = 100 * sum(weight * share for weight, share in usable) / weights if weights else None
    return Area("fields", score, tuple(findings), tuple(measures))


def _counts(engine: duckdb.DuckDBPyConnection, audited: Audited, of: str) -> dict[str, tuple[int, int, int]]:
    """Count rows, filled values and distinct ones of every field, in one pass."""
    names = audited.fields(of)
    if not names:
        return {}
    each = [f"count({quoted(name)}), count(DISTINCT {quoted(name)})" for name in names]
    row: Sequence[Any] = engine.execute(f"SELECT count(*), {', '.join(each)} FROM {of}").fetchall()[0]  # noqa: S608 - names are quoted
    pairs = zip(row[1::2], row[2::2], strict=True)
    return {name: (row[0], filled, distinct) for name, (filled, distinct) in zip(names, pairs, strict=True) if row[0]}


def _of_fill(audited: Audited, where: str, fill: float, total: int, weakens: tuple[Weakened, ...]) -> Iterator[Finding]:
    limit = audited.limits.min_fill
    if fill < limit:
        severe = weakens and fill < limit / 3
        message = f"{where} is known of {fill:.0%} of {total:,}"
        advice = "fill it in the CRM, have a vendor fill it ([[enrich]]), or take its rules out of the model"
        severity = "severe" if severe else severity_of(0.0, 1.0, weakens)
        yield Finding("fields", "fill", where, severity, message, fill, limit, "share", advice, weakens)


def _of_age(audited: Audited, where: str, stale: float | None, weakens: tuple[Weakened, ...]) -> Iterator[Finding]:
    limit = audited.limits.max_stale
    if stale is not None and stale > limit:
        severity = severity_of(stale, limit, weakens)
        message = f"{stale:.0%} of the known values of {where} are too old"
        advice = "see `leadlight enrichment due` for whom to look up again"
        yield Finding("fields", "stale", where, severity, message, stale, limit, "share", advice, weakens)


def _of_reading(audited: Audited, where: str, unread: float | None, weakens: tuple[Weakened, ...]) -> Iterator[Finding]:
    limit = audited.limits.max_unread
    if unread is not None and unread > limit:
        severity = severity_of(unread, limit, weakens)
        message = f"of {unread:.0%} of the texts that {where} is read from nothing was read"
        advice = "look at the texts; map the field to a list of the CRM, or extend the word list"
        yield Finding("fields", "unread", where, severity, message, unread, limit, "share", advice, weakens)


def _of_values(
    engine: duckdb.DuckDBPyConnection,
    audited: Audited,
    of: str,
    name: str,
    counted: tuple[int, int],
    weakens: tuple[Weakened, ...],
) -> Iterator[Finding]:
    """Look for free text where rules ask for equality, and for rules none of whose values ever occurs."""
    filled, distinct = counted
    asked = {
        Weakened(model.id, rule.id, rule.points): [str(value) for value in leaf.operands]
        for model in audited.models
        for rule, leaf in conditions_on(model, name)
        if leaf.operator in ("is_", "in_")
    }
    if not asked or filled < _ENOUGH:
        return
    where = name if of == "people" else f"account {name}"
    limit = audited.limits.max_free_text
    if distinct > _MANY and distinct / filled > limit:
        message = f"{where} is free text: {distinct:,} different values in {filled:,}, and rules ask for equal ones"
        advice = "make it a list in the CRM, or read it with a transform of the mapping"
        severity = severity_of(0.0, 1.0, weakens)
        yield Finding(
            "fields", "free_text", where, severity, message, distinct / filled, limit, "share", advice, weakens
        )
    for rule, values in asked.items():
        folded = ", ".join(literal(value.strip().lower()) for value in values)
        hits = engine.execute(f"SELECT count(*) FROM {of} WHERE lower({quoted(name)}) IN ({folded})").fetchall()[0][0]  # noqa: S608 - quoted
        if not hits:
            common = engine.execute(
                f"SELECT {quoted(name)} FROM {of} WHERE {quoted(name)} IS NOT NULL "  # noqa: S608 - as above
                "GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 3"
            ).fetchall()
            message = f"no {where} is any of the {len(values)} values that rule {rule.rule_id} asks for"
            advice = "write the rule's values as the CRM has them, or map them (values, transform)"
            shown = tuple(str(row[0]) for row in common)
            yield Finding("fields", "unmatched", where, "warning", message, 0.0, 1.0, "records", advice, (rule,), shown)
