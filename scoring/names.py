"""Guesses at what a misspelt name meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """Give `, did you mean 'x'?`, or nothing when no known name is near."""
    matches = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f", did you mean '{matches[0]}'?" if matches else ""
