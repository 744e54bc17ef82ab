"""The card of a trained model in words: what it learned from, how it was judged, what each field is worth."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from connector.output import table
from connector.store.versions import Version
from scoring.predict.artefact import TableModel, Term
from scoring.predict.words import bin_words

Line = str | Text | Table
_FIGURES: Final = {
    "auc": "AUC over all rows",
    "auc_same_age": "AUC among leads as old",
    "auc_low": "its lower 95 % bound",
    "lift_10": "best tenth converts, times everybody",
    "lift_20": "best fifth converts, times everybody",
    "log_loss": "log loss",
    "base_log_loss": "log loss of the rate alone",
    "ece": "calibration error (ECE)",
    "n": "rows",
    "conversions": "of them converted",
}


def lines_of(version: Version, model: TableModel) -> list[Line]:
    """Write the card of a kept version for people."""
    return [
        f"model {version.model_id}, version {version.version}: {_state(version)}",
        f"foretells {model.target} within {model.horizon_days} days; knows the past up to {model.as_of}",
        *_learned(version.card, model),
        *_judged(version.card),
        *_curve(version.card),
        _features(model),
        *_monotone(version.card),
        *(segment_lines(segments) if isinstance(segments := version.card.get("segments"), Mapping) else ()),
        *_refused(version.card),
        *(Text(f"warning: {text}", style="yellow") for text in _list(version.card, "warnings")),
    ]


def _state(version: Version) -> str:
    made = f"made {version.made_at:%d %b %Y %H:%M UTC} by {version.made_by}"
    if version.in_use_at is None:
        return f"{version.state}, {made}, never in use"
    since = f"{version.in_use_at:%d %b %Y %H:%M UTC} by {version.in_use_by}"
    return f"{version.state.replace('_', ' ')}, {made}, last put in use {since}"


def _learned(card: Mapping[str, Any], model: TableModel) -> Iterator[str]:
    share = model.n_conversions / model.n_rows if model.n_rows else 0.0
    window = card.get("window")
    between = f", from {window[0]} to {window[1]}" if isinstance(window, list) and len(window) == 2 else ""
    of = f" of {card['leads']:,} leads" if isinstance(card.get("leads"), int) else ""
    yield f"learned from {model.n_rows:,} rows{of}, {model.n_conversions:,} conversions ({share:.1%} of rows){between}"
    if method := card.get("method"):
        slope = f", its slope set right by {_number(card.get('slope'))}" if card.get("slope") not in (None, 1.0) else ""
        yield f"by {method}, {card.get('confidence') or 'unknown'} confidence{slope}"
    if model.rules is not None:
        yield f"the rules' points enter a blend as {model.rules.alpha:+.3f} {model.rules.beta:+.4f} per point"
    about = card.get("about")
    if isinstance(about, Mapping) and about.get("no_history"):
        yield f"read as they are now, for nothing tells their past: {', '.join(map(str, about['no_history']))}"


def _judged(card: Mapping[str, Any]) -> Iterator[Line]:
    """Lay out the figures of the holdout, beside those of the model that lost and of the rules."""
    sides = {name: card.get(name) for name in ("holdout", "challenger", "rules")}
    found = {name: side for name, side in sides.items() if isinstance(side, Mapping) and side}
    if "holdout" not in found:
        yield "never judged on rows that it had not seen"
        return
    since = f" (from {card['holdout_from']} on)" if card.get("holdout_from") else ""
    heads = [f"{name} {side.get('method') or ''}".strip() for name, side in found.items()]
    rows = [[words, *(_number(side.get(key)) for side in found.values())] for key, words in _FIGURES.items()]
    yield table(f"on the newest rows, which it never saw{since}", ("", *heads), rows)


def _curve(card: Mapping[str, Any]) -> Iterator[Line]:
    rows = [row for row in _list(card, "reliability") if isinstance(row, Mapping)]
    if rows:
        heads = [name.replace("_", " ") for name in rows[0]]
        yield table("foretold and come true", heads, [[_number(one) for one in row.values()] for row in rows])


def _features(model: TableModel) -> Table:
    """Lay out the features by how much they can move a score, each with its best and its worst value."""
    ordered = sorted(model.terms, key=lambda term: -_spread(term))
    worth = 100.0 / (model.hi - model.lo)
    rows = [
        (
            term.feature.label,
            f"{_spread(term) * worth:.1f}",
            _told(term, worth, best=True),
            _told(term, worth, best=False),
        )
        for term in ordered
    ]
    title = f"{len(rows)} features, by the points that they move on a scale of 100"
    return table(title, ("feature", "points", "most", "least"), rows)


def _spread(term: Term) -> float:
    values = [one.log_odds for one in term.bins]
    return max(values) - min(values)


def _told(term: Term, worth: float, *, best: bool) -> str:
    """Word the bin that gives most or least, with what it was learned from."""
    place = (max if best else min)(range(len(term.bins)), key=lambda at: term.bins[at].log_odds)
    one, words = term.bins[place], bin_words(term)[place].removeprefix(f"{term.feature.label}: ")
    return f"{one.log_odds * worth:+.1f} {words} ({one.n_converted:,} of {one.n:,} converted)"


def _refused(card: Mapping[str, Any]) -> Iterator[Line]:
    rows = [row for row in _list(card, "refused_features") if isinstance(row, Mapping)]
    if rows:
        cells = [(row.get("name"), row.get("action"), row.get("why")) for row in rows]
        yield table("left out", ("field", "", "why"), cells)
    yield from leak_lines(card.get("auc_without_refused"), card.get("auc_with_refused"))


def leak_lines(honest: float | None, leaky: float | None) -> list[Line]:
    """Say what the fields that were left out would have made of the same holdout; nothing where none were."""
    if honest is None or leaky is None:
        return []
    return [f"honest AUC {honest:.3f} without them; with them it would look like {leaky:.3f} (lr_bins, same rows)"]


def segment_lines(told: Mapping[str, Any]) -> list[Line]:
    """Say which segments have tables of their own, and why the others keep the shared ones."""
    if told["why"] is not None:
        return [Text(f"no segments by {told['field']}: {told['why']}", style="yellow")]
    cells = [
        (one["segment"], f"{one['leads']:,}", f"{one['converted']:,}", "own" if one["own_tables"] else "shared",
         _number(one["log_loss"]), _number(one["shared_log_loss"]), "; ".join(one["why"]))
        for one in told["each"]
    ]  # fmt: skip
    headings = (told["field"], "leads", "converted", "tables", "log_loss", "by the shared", "why")
    return [table("segments", headings, cells)]


def _monotone(card: Mapping[str, Any]) -> Iterator[Line]:
    found = card.get("monotone")
    if isinstance(found, Mapping) and found:
        signs = ", ".join(f"{name} {'never lowers' if sign > 0 else 'never raises'}" for name, sign in found.items())
        yield f"held to what the team said of more of it: {signs} a score"


def _list(card: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = card.get(name)
    return found if isinstance(found, list) else []


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
