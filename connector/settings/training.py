"""The table of the configuration that says what a model is to foretell, and on which rows it learns."""

from typing import Literal

from pydantic import Field

from connector.settings.table import Table


class TrainSettings(Table):
    """What `leadlight train` learns; the command line's options win. Needs the extra `train`, scoring does not."""

    target: Literal["opportunity_created", "closed_won", "accepted", "expansion"] | None = Field(
        default=None,
        description="opportunity_created, closed_won, accepted or expansion (a customer buys again). Default: the "
        "first of the former three that enough people reached",
        examples=["opportunity_created"],
    )
    horizon_days: int | None = Field(
        default=None,
        ge=1,
        le=730,
        description="Within how long. Default: the shortest of 30, 60, 90 and 180 that covers 80 % of conversions",
        examples=[90],
    )
    holdout: float = Field(
        default=0.2, ge=0.05, le=0.5, description="Share of the newest rows that a model is judged by"
    )
    max_rows: int = Field(
        default=50_000, ge=500, description="Train on about so many rows at most, whole people by lot"
    )
    allow: tuple[str, ...] = Field(
        default=(), description="Fields that training asked about and that are known before the conversion"
    )
