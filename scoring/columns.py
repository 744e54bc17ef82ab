"""Names of columns of the scored table that an explanation reads beside its rows."""

from typing import Final

SEGMENT: Final = "segment"
"""The segment of a subject, of a model that has some."""
FIRST_PARTY: Final = "first_party_engagement"
"""What engagement is without third-party rules, of a model that has some."""


def when_column(segment: str | None, band: str) -> str:
    """Name the column that says whether a band's own condition holds."""
    return f"band.{segment or ''}/{band}.when"
