"""The table of the configuration that says how people without an account find theirs."""

from typing import Literal

from pydantic import Field

from connector.settings.table import Table

MatchMethod = Literal["domain", "name", "acronym", "close_name"]
TieBreaker = Literal["same_country", "open_opportunity", "customer", "same_owner", "most_people", "oldest"]


class MatchingSettings(Table):
    """Which account a person belongs to whom the CRM links to none, as it does leads. Scores of accounts count such
    people, and rules about accounts see them; nothing of it is written to the CRM, and a link of the CRM's own always
    counts first. Mailboxes for anybody (gmail.com), throw-away ones and students' never tell a company."""

    enabled: bool = Field(default=True, description="false: people belong to the accounts that the CRM links them to")
    methods: tuple[MatchMethod, ...] = Field(
        default=("domain", "name", "acronym", "close_name"),
        description="domain: of the e-mail address or web site. name: the same without legal form, accents and case. "
        "acronym: IBM, International Business Machines. close_name: with typing errors; this one and acronym need the "
        "same phone, postal code or country besides",
    )
    close_name_share: float = Field(default=0.9, ge=0.7, le=1, description="How alike close names are, at least")
    country_alone_share: float = Field(
        default=0.95, ge=0.7, le=1, description="The same where nothing but the country is the same besides"
    )
    margin_share: float = Field(
        default=0.03, ge=0, lt=1, description="Accounts whose confidence differs by less are in conflict"
    )
    conflicts: Literal["tie_breakers", "leave"] = Field(
        default="tie_breakers",
        description="tie_breakers: decide between accounts that may be one company. leave: match to none of them. "
        "Accounts of different domains are never decided between: see `leadlight match ambiguous`",
    )
    tie_breakers: tuple[TieBreaker, ...] = Field(
        default=("same_country", "open_opportunity", "customer", "same_owner", "most_people", "oldest"),
        description="Which account is taken, the first that tells them apart; oldest is the lowest id",
    )
