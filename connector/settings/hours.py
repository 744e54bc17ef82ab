"""The table of the configuration that says when people work."""

from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic import field_validator as check

from connector.hours import Calendar, parse_holidays, parse_openings
from connector.settings import checks
from connector.settings.table import Table


class HoursSettings(Table):
    """When people work: deadlines and clocks count these hours alone. Without any [[hours]], day and night count; the
    first one is for everything that names none."""

    id: str = Field(min_length=1, description="Named where hours are asked for", examples=["sdr"])
    timezone: str = Field(default="UTC", description="Of the clock that the hours go by", examples=["Europe/Berlin"])
    owner_timezone: bool = Field(
        default=True,
        description="The same hours by the owner's own clock, where the CRM tells it (Salesforce; HubSpot's owners "
        "have no time zone)",
    )
    open: tuple[str, ...] = Field(
        default=("mon-fri 09:00-17:00",),
        description="Days and hours; 22:00-06:00 goes on into the next morning",
        examples=[["mon-fri 09:00-12:30", "mon-thu 13:30-18:00"]],
    )
    holidays: tuple[str, ...] = Field(
        default=(), description="Days off: 2026-12-24, or 12-25 for every year", examples=[["12-25", "2026-12-24"]]
    )

    _timezone = check("timezone")(checks.timezone)
    _open = check("open")(checks.openings)
    _holidays = check("holidays")(checks.holidays)

    @property
    def calendar(self) -> Calendar:
        """Give the hours as a calendar."""
        return Calendar(ZoneInfo(self.timezone), parse_openings(self.open), *parse_holidays(self.holidays))
