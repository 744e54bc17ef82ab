"""The table of the configuration that says where a user's own lists are."""

from pathlib import Path

from pydantic import Field
from pydantic import field_validator as check

from connector.settings.table import Table
from mappings.lists import open_lists


class ListSettings(Table):
    """Lists that models, transforms and matching read: free_mail, competitors, job titles, countries, sources."""

    folder: Path | None = Field(
        default=None,
        description="Your own: NAME.txt replaces a shipped list, NAME.toml adds words to a shipped table; see "
        "docs/normalisers.md. Other content reads again what depends on it",
        examples=["lists"],
    )

    @check("folder")
    @classmethod
    def _usable(cls, value: Path | None) -> Path | None:
        open_lists(value)
        return value
