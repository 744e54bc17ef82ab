"""What the facts are seen through: a step wraps the relations of the canonical tables as of one instant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from connector.settings.file import Settings
from connector.store.lake import Lake


@dataclass(frozen=True)
class View:
    """Say of which store, by which settings and as of when the facts are seen."""

    lake: Lake
    settings: Settings
    as_of: datetime


Relations = Mapping[str, str]
Step = Callable[[View, Relations], Relations]
