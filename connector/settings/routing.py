"""The tables of the configuration that say who gets a record: rules, pools and their members."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic import field_validator as check

from connector.settings import routing_checks
from connector.settings.table import Table
from scoring.conditions import Condition

Names = Annotated[tuple[str, ...] | None, BeforeValidator(routing_checks.one_or_many)]
When = Annotated[Condition | None, BeforeValidator(routing_checks.condition)]


class Target(Table):
    """Where a record goes; exactly one of these."""

    pool: str | None = Field(default=None, description="id of a [[pool]]", examples=["sdr"])
    user: str | None = Field(default=None, description="e-mail address or id of a user")
    queue: str | None = Field(default=None, description="name or id of a queue, for records that one may own")
    account_owner: Literal[True] | None = Field(
        default=None, description='"account_owner" for short: the owner of the person\'s account, where active'
    )

    _one = model_validator(mode="after")(routing_checks.one_target)


class MemberSettings(Table):
    """One owner of a pool; an e-mail address or id alone stands for a table with nothing else."""

    owner: str = Field(min_length=1, description="e-mail address or id of a user or queue", examples=["ana@acme.com"])
    weight: int = Field(
        default=1, ge=1, le=100, strict=True, description="twice the weight gets twice the records, 1 to 100"
    )
    cap_open: int | None = Field(
        default=None, ge=0, strict=True, description="no more while so many open records are theirs"
    )
    cap_day: int | None = Field(default=None, ge=0, strict=True, description="no more records than this a day, from us")
    hours: str | None = Field(default=None, description="id of [[hours]], outside of which nothing is given")
    away: tuple[str, ...] = Field(
        default=(), description="days out of office, 2026-08-03/2026-08-21 with both in it, or one day"
    )
    paused: bool = Field(default=False, description="true: gets nothing for now")

    _away = check("away")(routing_checks.away)


class Fallback(Table):
    """Who takes what nobody of a pool can; exactly one of these."""

    pool: str | None = Field(default=None, description="id of another [[pool]]", examples=["ae"])
    queue: str | None = Field(default=None, description="name or id of a queue")

    _one = model_validator(mode="after")(routing_checks.one_target)


class PoolSettings(Table):
    """People who share work by weighted round robin. Whoever joins or returns goes on at the others' level."""

    id: str = Field(min_length=1, description="Named by owner.pool and to.pool", examples=["sdr"])
    owners: tuple[MemberSettings, ...] = Field(
        min_length=1,
        description="E-mail addresses or ids of CRM users, or tables with more about one:",
        examples=[["ana@acme.com", {"owner": "ben@acme.com", "weight": 2, "away": ["2026-12-23/2027-01-03"]}]],
    )
    cap_open: int | None = Field(
        default=None, ge=0, strict=True, description="For everybody without one", examples=[80]
    )
    cap_day: int | None = Field(default=None, ge=0, strict=True, description="The same", examples=[15])
    hours: str | None = Field(default=None, description="The same", examples=["sdr"])
    timezone: str | None = Field(
        default=None,
        description="cap_day counts the day of this clock, away too. Default: the last 24 hours, and UTC",
        examples=["Europe/Berlin"],
    )
    open_when: When = Field(
        default=None,
        description="Which people that are not converted count for cap_open, as a model's `when`. Default: all",
        examples=[{"field": "opted_out", "is_not": True}],
    )
    when_nobody: Fallback | None = Field(
        default=None,
        description='Where a record goes while nobody is there. Default: "hold", it waits until somebody is. Or:',
        examples=["hold"],
    )
    reassign_away: bool = Field(
        default=False, description="Records that we gave to somebody who is out of office pass to the others"
    )

    _timezone = check("timezone")(routing_checks.timezone)
    _owners = check("owners", mode="before")(routing_checks.members)
    _hold = check("when_nobody", mode="before")(routing_checks.hold)


class RouteSettings(Table):
    """A rule of who gets a record, for actions with owner = { route = true }. The first rule that fits decides; one
    whose user has left, or whose account has no active owner, is passed over. Put one without conditions last."""

    id: str = Field(min_length=1, description="Told with every decision", examples=["enterprise"])
    band: Names = Field(default=None, min_length=1, description="Only from these bands", examples=[["hot"]])
    segment: Names = Field(
        default=None, min_length=1, description="Only from these segments of the model", examples=[["enterprise"]]
    )
    when: When = Field(
        default=None,
        description="As a model's `when`: fields of the person, and of the account as account.NAME",
        examples=[{"field": "account.employees", "gte": 1000}],
    )
    to: Annotated[Target, BeforeValidator(routing_checks.target)] = Field(
        description="Where to:", examples=[{"pool": "sdr"}]
    )
    warn_share: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Warn where more than this share of 30 days' records came here. Default: 0.2 for a rule without "
        "conditions, else never",
        examples=[0.2],
    )

    @property
    def catches_all(self) -> bool:
        """Tell whether everybody fits, but for those whom it cannot serve: who has no account has no account owner."""
        return not (self.band or self.segment or self.when or self.to.account_owner)


def away_days(text: str) -> tuple[date, date]:
    """Read a range of days, both in it."""
    return routing_checks.days(text)


def members(pool: PoolSettings) -> list[MemberSettings]:
    """Give a pool's members with what the pool says for all of them."""
    shared: dict[str, Any] = {name: getattr(pool, name) for name in ("cap_open", "cap_day", "hours")}
    return [
        one.model_copy(update={name: value for name, value in shared.items() if getattr(one, name) is None})
        for one in pool.owners
    ]
