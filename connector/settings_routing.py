"""The tables of the configuration that say who gets a record."""

from pydantic import Field

from connector.settings_table import Table


class PoolSettings(Table):
    """People who share work."""

    id: str = Field(min_length=1, description="Named by [[action]] owner.pool", examples=["sdr"])
    owners: tuple[str, ...] = Field(
        min_length=1, description="E-mail addresses or ids of CRM users", examples=[["ana@acme.com", "ben@acme.com"]]
    )
