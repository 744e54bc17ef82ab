"""What a rep reads of one feature's bin, such as `visited the pricing page in 30 days: 3 or more times`."""

import math
from itertools import pairwise

from scoring.predict.artefact import Part, TableModel, Term

_OF_DAYS = ("recency_days", "tenure_days")
_WHOLE = ("count", "active_days")


def bin_words(term: Term) -> tuple[str, ...]:
    """Word each bin of a feature, the unknown first."""
    label = term.feature.label
    if term.feature.role == "categorical":
        return (f"{label}: unknown", *(f"{label}: {level}" for level in term.levels), f"{label}: other")
    unknown = f"{label}: never" if term.feature.kind == "recency_days" else f"{label}: unknown"
    edges = [-math.inf, *term.cuts, math.inf]
    spans = [_span(term.feature.kind, low, high) for low, high in pairwise(edges)]
    return (unknown, *(f"{label}: {span}" if span else label for span in spans))


def part_words(model: TableModel, part: Part) -> str:
    """Say whose tables these are, such as `where everybody with region: emea starts`."""
    if isinstance(part, TableModel) or model.segment is None:
        return "where everybody starts"
    return f"where everybody with {model.segment.label}: {part.id} starts"


def _span(kind: str, low: float, high: float) -> str:
    if low == -math.inf and high == math.inf:
        return ""
    if kind in _WHOLE:
        return _times(kind, low, high)
    unit = " days" if kind in _OF_DAYS else ""
    if low == -math.inf or (low <= 0 and kind != "attribute"):
        return "none" if kind == "decayed" and high <= 0 else f"under {edge_words(high)}{unit}"
    if high == math.inf:
        return f"{edge_words(low)}{unit} or more"
    return f"{edge_words(low)} to {edge_words(high)}{unit}"


def _times(kind: str, low: float, high: float) -> str:
    """Word what can only be a whole number: those at least `low` and under `high`."""
    unit = "days" if kind == "active_days" else "times"
    first = max(0, math.ceil(low)) if math.isfinite(low) else 0
    if high == math.inf:
        return f"{first:,} or more {unit}"
    last = math.ceil(high) - 1
    if last <= 0:
        return "never"
    if first == last:
        return {1: "once" if unit == "times" else "1 day"}.get(first, f"{first:,} {unit}")
    return f"{first:,} to {last:,} {unit}"


def edge_words(value: float) -> str:
    """Write an edge as people say it: three digits are enough to know where it is."""
    if value == 0 or not 1e-4 <= abs(value) < 1e15:
        return f"{value:.3g}"
    rounded = round(value, max(0, 2 - math.floor(math.log10(abs(value)))))
    return f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,g}"
