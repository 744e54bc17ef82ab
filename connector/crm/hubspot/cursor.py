"""How far a stream of HubSpot records was read, as the opaque text that the store keeps."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime

from connector.errors import ConfigError


@dataclass(frozen=True)
class Cursor:
    """Remember a stream's progress; all times are the server's, ISO 8601.

    Everything modified up to since_at was read. While a pull is under way, started_at is the since_at it will end
    with, stage and after say where it goes on after a crash. swept_at and sweep_pages are of the last look at archived
    records, or at everything. seen marks what was read of each of several things.
    """

    since_at: str | None = None
    started_at: str | None = None
    stage: str | None = None
    after: str | None = None
    swept_at: str | None = None
    sweep_pages: int = 0
    seen: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None, stream: str) -> "Cursor":
        """Read the stored text; empty text is the beginning."""
        if not text:
            return cls()
        try:
            stored = json.loads(text)
            known = {item.name for item in fields(cls)}
            cursor = cls(**{key: value for key, value in stored.items() if key in known})
            for stamp in (cursor.since_at, cursor.started_at, cursor.swept_at):
                instant(stamp)
        except (AttributeError, TypeError, ValueError) as error:
            raise ConfigError(f"The stored cursor of HubSpot {stream} is unreadable; pull {stream} anew") from error
        return cursor

    def text(self) -> str:
        """Write the cursor as text without empty members."""
        return json.dumps({key: value for key, value in asdict(self).items() if value}, sort_keys=True)


def instant(stamp: str | None) -> datetime | None:
    """Parse a cursor's time."""
    if stamp is None:
        return None
    parsed = datetime.fromisoformat(stamp)
    if parsed.tzinfo is None:
        raise ValueError("a time without a zone")
    return parsed


def stamp_of(moment: datetime) -> str:
    """Write a time as a cursor holds it."""
    return moment.isoformat().replace("+00:00", "Z")
