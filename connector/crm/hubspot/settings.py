"""What a HubSpot connection needs to know."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class HubSpotSettings:
    """Say where and how to reach HubSpot.

    access_token is a private app's or service key's static token. rate_per_10s is 190 for Professional and
    Enterprise, 99 for Free and Starter accounts; search_per_s is the account's own search limit. Timeouts are seconds;
    list_page and events_page are records a page.
    Source: https://developers.hubspot.com/docs/guides/apps/api-usage/usage-details
    """

    access_token: str = field(repr=False)
    base_url: str = "https://api.hubapi.com"
    rate_per_10s: int = 190
    search_per_s: int = 5
    connect_timeout_s: float = 5
    read_timeout_s: float = 60
    list_page: int = 100
    events_page: int = 100
