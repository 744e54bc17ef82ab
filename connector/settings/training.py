"""The table of the configuration that says what a model is to foretell, and on which rows it learns."""

from typing import Literal

from pydantic import Field, field_validator

from connector.settings.checks import cron_or_off
from connector.settings.table import Table


class AutoPublish(Table):
    """The bound within which a newly trained version takes the place of the one in use without anybody's word."""

    max_band_moves_share: float = Field(
        ge=0, le=1, description="of people, who may move band by it at most", examples=[0.05]
    )


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
    note_changes: bool = Field(
        default=True,
        description="Keep what fields of people and accounts held before they changed, so that training reads them as "
        "they were; no names, addresses or ids. Where it is switched off, what was kept is deleted",
    )
    increasing: tuple[str, ...] = Field(
        default=(),
        description="Numbers, fields or features, of which more is never to lower a score, such as page_view_30d",
    )
    decreasing: tuple[str, ...] = Field(
        default=(), description="Numbers of which more is never to raise a score, such as quiet_days"
    )
    segments: str | None = Field(
        default=None,
        description="A field of texts, of people or as account.X: people of one value get tables of their own where "
        "there are enough and that foretells better. Default: one model for all",
        examples=["account.industry"],
    )
    auto_publish: AutoPublish | None = Field(
        default=None,
        description="A version that `train --config` made waits for `leadlight model use`. With a bound such as "
        "{ max_band_moves_share = 0.05 } it is put in use by itself, if no more move band and its holdout is no worse",
        examples=[False],
        json_schema_extra={"shown": True},
    )

    schedule: str = Field(
        default="40 3 * * *",
        description="When the daemon looks whether the trained model is due to be trained again (cron; off for never). "
        "What comes of it is a candidate, and nothing changes before somebody says so",
    )
    max_age_days: int = Field(
        default=30, ge=1, description="It is due when what it learned from is so old, if enough has come since"
    )
    min_new_conversions: int = Field(
        default=20, ge=1, description="So many conversions that it did not learn from must have matured for that"
    )
    retrain_on_drift: bool = Field(
        default=True, description="It is due when `leadlight drift` says that it fits no more"
    )

    _cron = field_validator("schedule")(cron_or_off)

    @field_validator("auto_publish", mode="before")
    @classmethod
    def _false_is_none(cls, value: object) -> object:
        if value is True:
            raise ValueError("needs a bound, such as { max_band_moves_share = 0.05 }")
        return None if value is False else value
