"""Times, numbers and names as people read them."""

import re
from datetime import UTC, datetime, timedelta

BY = {"connector": "Leadlight", "human": "A person", "automation": "An automation", "seed": "Imported"}


def moment(value: object) -> datetime | None:
    """Read a stored time: milliseconds since 1970, or ISO 8601 with or without an offset; null where it is none."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, tz=UTC)
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def number(text: str) -> str:
    """Write a number without a fraction that is none."""
    return re.sub(r"\.0+$", "", text)


def ago(at: datetime, now: datetime) -> str:
    """Say how long ago something was; a date once it is more than a week."""
    gone = now - at
    if gone < timedelta(minutes=1):
        return "just now" if gone > -timedelta(minutes=1) else f"{at:%d %b %Y}"
    if gone < timedelta(hours=1):
        return f"{int(gone.total_seconds() // 60)} min ago"
    if gone < timedelta(days=1):
        return f"{int(gone.total_seconds() // 3600)} h ago"
    if gone < timedelta(days=7):
        return f"{gone.days} d ago"
    return f"{at.day} {at:%b}" if at.year == now.year else f"{at.day} {at:%b %Y}"


def due(at: datetime | None, now: datetime, *, whole_day: bool = False) -> str:
    """Say when a task is due."""
    if at is None:
        return "no due date"
    clock = "" if whole_day else f" {at:%H:%M}"
    days = (at.date() - now.date()).days
    if days in (-1, 0, 1):
        return f"{('yesterday', 'today', 'tomorrow')[days + 1]}{clock}"
    return f"{at:%a} {at.day} {at:%b}{clock}"


def is_overdue(at: datetime | None, now: datetime, *, whole_day: bool = False) -> bool:
    """Tell whether a task should be done by now."""
    if at is None:
        return False
    return at.date() < now.date() if whole_day else at < now


def spoken(name: str) -> str:
    """Name a field as people do: Leadlight_Scored_At__c is Scored at, hs_task_status Task status."""
    plain = re.sub(r"__c$", "", name)
    plain = re.sub(r"(?i)^(leadlight|hs|hubspot)_", "", plain)
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain).replace("_", " ")
    plain = re.sub(r" Id$", "", plain)
    return plain[:1].upper() + plain[1:].lower()
