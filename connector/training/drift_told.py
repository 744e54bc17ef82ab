"""What became of a trained model, told to people and to programs; what was measured last is kept for `status`."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from connector.store import facts as kept_facts
from connector.store.state import store_errors
from scoring.explain import iso
from scoring.predict.artefact import TableModel
from scoring.predict.drift import LEAST_ROWS, Moved, half_way, promise_of, reference_of
from scoring.predict.words import bin_words

if TYPE_CHECKING:  # what measures brings the compiler along, which looking at a store does without
    from connector.training.drift import Measured
    from connector.training.facts import Facts

_FACT: Final = "drift@"
_DAY_S: Final = 86_400
SHOWN: Final = 5
_LEVELS: Final = {"stable": "no more than chance", "moderate": "moved a little", "act": "train again"}


def as_dict(model_id: str, measured: "Measured", facts: "Facts") -> dict[str, Any]:
    """Give the verdict as contracts have it; what cannot be said yet is null, and `missing` says why."""
    table, drift = measured.table, measured.drift
    return {
        "id": model_id,
        "version": table.version,
        "target": table.target,
        "horizon_days": table.horizon_days,
        "trained_as_of": table.as_of,
        "age_days": _age_days(table, facts.now),
        "as_of": iso(facts.now),
        "state": _state(measured),
        "alarms": list(drift.alarms),
        "people_now": measured.people_now,
        "scores": None if drift.scores is None else _moved(drift.scores),
        **_came(measured),
        "features": [_feature(table, one) for one in drift.fields],
        "read_as_now": list(measured.read_as_now),
        "missing": list(_missing(measured)),
    }


def _age_days(table: TableModel, now: datetime) -> int:
    made = datetime.fromisoformat(table.as_of)
    made = made if made.tzinfo else made.replace(tzinfo=UTC)
    return max(0, int((now - made).total_seconds() // _DAY_S))


def _state(measured: "Measured") -> str:
    """Say alarm, moderate, stable, or unknown where neither scores nor outcomes can be judged."""
    drift = measured.drift
    if drift.alarms:
        return "alarm"
    found = {one for one in (drift.rate_state, drift.lift_state, drift.foretold_state) if one}
    found |= {drift.scores.state} if drift.scores else set()
    return "unknown" if not found else "moderate" if "moderate" in found else "stable"


def _moved(one: Moved) -> dict[str, Any]:
    return {
        "psi": round(one.psi, 4),
        "threshold": round(one.threshold, 4),
        "limit": round(one.limit, 4),
        "state": one.state,
        "people_before": one.n_before,
        "people_now": one.n_now,
    }


def _came(measured: "Measured") -> dict[str, Any]:
    """Give what the newest matured month came to."""
    found, drift = measured.drift.realised, measured.drift
    promise, matured = promise_of(measured.table.card), measured.matured
    month: dict[str, Any] = {
        "people": matured.people,
        "people_needed": matured.needed,
        "from": _day(matured.since_s),
        "until": _day(matured.until_s),
        "ready_at": None if matured.ready_at is None else iso(matured.ready_at),
    }
    if found is None:
        return {"matured": month, "base_rate": None, "lift_20": None, "calibration": None}
    expected = found.expected_rate
    return {
        "matured": month | {"measured": found.people, "rows": found.n, "conversions": found.conversions},
        "base_rate": {
            "rate": round(found.rate, 6),
            "low": round(found.low, 6),
            "high": round(found.high, 6),
            "expected": None if expected is None else round(expected, 6),
            "state": drift.rate_state,
        },
        "lift_20": {
            "realised": None if found.lift_20 is None else round(found.lift_20, 4),
            "promised": promise.lift_20,
            "limit": None if promise.lift_20 is None else round(half_way(promise), 4),
            "state": drift.lift_state,
        },
        "calibration": {
            "foretold": round(found.foretold, 2),
            "seen": found.conversions,
            "state": drift.foretold_state,
        },
    }


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _feature(table: TableModel, one: Moved) -> dict[str, Any]:
    """Give how far a feature moved, and the bins that gained and lost most in words."""
    term = next(term for term in table.terms if term.feature.id == one.name)
    words = bin_words(term)
    gains = [now - before for before, now in zip(one.before, one.now, strict=True)]
    ends = {"more": gains.index(max(gains)), "fewer": gains.index(min(gains))}
    return {
        "feature": one.name,
        "label": term.feature.label,
        **_moved(one),
        **{
            key: {"what": words[place], "before": round(one.before[place], 4), "now": round(one.now[place], 4)}
            for key, place in ends.items()
        },
    }


def _missing(measured: "Measured") -> Iterator[str]:
    matured, table = measured.matured, measured.table
    if measured.drift.scores is None and reference_of(table.card) is None:
        yield "the model was trained before scores were kept to compare with: the next training keeps them"
    elif measured.drift.scores is None:
        yield f"fewer than {LEAST_ROWS} people of the last month could be compared by their scores"
    if not matured.is_enough:
        when = "no day can be named" if matured.ready_at is None else f"about {matured.ready_at:%d %b %Y}"
        yield (
            f"not enough matured yet: {matured.people:,} of {matured.needed:,} people have had their "
            f"{table.horizon_days} days since the model learned; {when}"
        )


def lines(told: Mapping[str, Any], *, short: bool = False) -> Iterator[str]:
    """Tell one model's verdict in lines; short leaves out what is as it was."""
    first = f"model {told['id']}, trained version {told['version']}, {told['age_days']} days old"
    yield f"{first}: {_verdict(told)}, as of {told['as_of']}"
    yield from (f"  alarm: {alarm}" for alarm in told["alarms"])
    if not short:
        yield from _figures(told)
    if not short or told["alarms"]:
        yield from (f"  {_told_feature(one)}" for one in told["features"][:SHOWN] if one["state"] != "stable")
    yield from (f"  {what}" for what in told["missing"])
    if short and told["alarms"]:
        yield "  next: leadlight train --config FILE --if-due, which the daemon does by itself at train.schedule"


def _verdict(told: Mapping[str, Any]) -> str:
    words = {"alarm": "it no longer fits", "moderate": "it moved a little", "stable": "it still fits"}
    return words.get(told["state"], "nothing can be said yet")


def _figures(told: Mapping[str, Any]) -> Iterator[str]:
    if scores := told["scores"]:
        yield (
            f"  scores: PSI {scores['psi']:.2f}, act above {scores['limit']:.2f}; {told['people_now']:,} people of the "
            f"last month ({_LEVELS[scores['state']]})"
        )
    month = told["matured"]
    if rate := told["base_rate"]:
        asked = "" if rate["expected"] is None else f", {rate['expected']:.1%} expected ({_LEVELS[rate['state']]})"
        yield (
            f"  converted: {rate['rate']:.1%} of {month['measured']:,} people looked at from {month['from']} to "
            f"{month['until']}, 95 % {rate['low']:.1%} to {rate['high']:.1%}{asked}"
        )
    if (lift := told["lift_20"]) and lift["realised"] is not None:
        yield f"  best fifth: {_lift_words(lift)}"
    if seen := told["calibration"]:
        yield f"  conversions: {seen['foretold']:,.0f} foretold, {seen['seen']:,} came ({_LEVELS[seen['state']]})"


def _lift_words(lift: Mapping[str, Any]) -> str:
    said = f"converted {lift['realised']:.2f} times as often as everybody"
    if lift["promised"] is None:
        return f"{said}; the model's card promises nothing"
    judged = "too few to judge" if lift["state"] is None else _LEVELS[lift["state"]]
    return f"{said}, {lift['promised']:.2f} promised, act below {lift['limit']:.2f} ({judged})"


def _told_feature(one: Mapping[str, Any]) -> str:
    more, fewer = one["more"], one["fewer"]
    return (
        f"moved: {more['what']} {more['before']:.0%} -> {more['now']:.0%}, "
        f"{fewer['what']} {fewer['before']:.0%} -> {fewer['now']:.0%} (PSI {one['psi']:.2f})"
    )


def keep(state: sqlite3.Connection, told: Mapping[str, Any]) -> None:
    """Keep what was measured of a model; what was kept before gives way."""
    kept_facts.put(state, f"{_FACT}{told['id']}", json.dumps(told))


def kept(state: sqlite3.Connection) -> list[dict[str, Any]]:
    """Read what was measured last of each model."""
    with store_errors():
        rows = state.execute("SELECT value FROM facts WHERE name LIKE ? ORDER BY name", (f"{_FACT}%",)).fetchall()
    return [json.loads(row[0]) for row in rows]
