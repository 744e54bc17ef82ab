"""The table of the configuration that says how good facts have to be."""

from pydantic import Field

from connector.settings.table import Table


class AuditSettings(Table):
    """What `leadlight audit` holds the facts against; each limit is where a finding begins."""

    min_fill: float = Field(default=0.6, ge=0, le=1, description="Share of people who have a field that is scored")
    max_stale: float = Field(default=0.3, ge=0, le=1, description="Share of the values known that are too old")
    stale_days: float = Field(
        default=730, gt=0, description="A record that was not edited for so long is stale, where no vendor tells"
    )
    max_unread: float = Field(
        default=0.2, ge=0, le=1, description="Share of the texts in which nothing was read, such as a title's seniority"
    )
    max_duplicates: float = Field(default=0.02, ge=0, le=1, description="Share of the records that repeat another one")
    max_inconsistent: float = Field(default=0.01, ge=0, le=1, description="Share of records that contradict themselves")
    max_free_text: float = Field(
        default=0.5, ge=0, le=1, description="Distinct values in a list's field, as a share of the filled ones"
    )
    min_outcomes: int = Field(default=50, ge=0, description="So many won and so many lost are enough to learn from")
    min_linked: float = Field(default=0.5, ge=0, le=1, description="Share of the outcomes that name a person")
    step_factor: float = Field(default=3.0, gt=1, description="A week that differs by this factor from those before")
    min_weekly: int = Field(default=5, ge=1, description="Events of a type in a usual week that are enough to judge")
