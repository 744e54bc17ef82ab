"""The tables of the configuration that say which vendors know what, and whom to believe."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic import field_validator as check

from connector.settings.checks import tables
from connector.settings.table import Table
from mappings.transforms import TRANSFORMS
from scoring.names import nearest
from scoring.schema import ACCOUNTS, PEOPLE, ColumnType

CRM: Final = "crm"  # what the CRM's own column says, as against a vendor's
Subjects = Literal["accounts", "people"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
_TABLES: Final = {"accounts": ACCOUNTS, "people": PEOPLE}


class VendorSettings(Table):
    """A vendor whose tool fills fields of the CRM, which the mapping reads as columns of their own. Nothing is ever
    written to such a field. What comes by a feed needs no table here; one may still say when the vendor is quiet."""

    id: Name = Field(
        description="Named by vendors of an [[enrich]]: lower-case letters, digits and _", examples=["clearbit"]
    )
    columns: dict[Name, Name] | None = Field(
        default=None,
        description="Attribute to the mapping's column of people or accounts that this vendor fills",
        examples=[{"employees": "clearbit_employees"}],
    )
    observed_at: Name | None = Field(
        default=None,
        description="Column with the time of the vendor's last update. Default: when a value was first seen",
        examples=["clearbit_updated_at"],
    )
    quiet_days: int = Field(default=30, ge=1, description="A warning where nothing new was observed for so long")
    max_coverage_drop: float = Field(
        default=0.1, gt=0, le=1, description="A warning where so large a share of all subjects lost its fresh values"
    )

    @model_validator(mode="after")
    def _is_no_crm(self) -> "VendorSettings":
        if self.id == CRM and self.columns:
            raise ValueError("crm is the columns themselves; leave `columns` out")
        return self


class EnrichSettings(Table):
    """An attribute that several vendors know. The first one of the list that has a value which is fresh and can be read
    is believed; models see its value in the column of this name. Stale is unknown, never zero."""

    attribute: Name = Field(description="The column that models see", examples=["employees"])
    of: Subjects = Field(default="accounts", description="accounts or people")
    vendors: tuple[Name, ...] = Field(
        min_length=1, description="In order; crm is what the CRM's own column says", examples=[["zoominfo", CRM]]
    )
    max_age_days: float | None = Field(
        default=None, gt=0, description="What was observed earlier is unknown. Default: any age", examples=[365]
    )
    refresh_days: float | None = Field(
        default=None,
        gt=0,
        description="From this age on it is due for another look (leadlight enrichment due): best the days between "
        "two trainings of the model. Default: max_age_days",
        examples=[90],
    )
    transform: str | None = Field(
        default=None, description="How a vendor's text is read: number, country, list and so on", examples=["number"]
    )
    kind: ColumnType | None = Field(
        default=None,
        description="text, number, boolean, datetime or list, for a column of your own. Default: text",
        examples=["number"],
    )
    tolerance: float = Field(
        default=1.5, ge=1, description="Numbers that differ by no more than this factor are no conflict"
    )

    @check("vendors")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({vendor for vendor in value if value.count(vendor) > 1}):
            raise ValueError(f"names {', '.join(twice)} more than once")
        return value

    @check("transform")
    @classmethod
    def _known_transform(cls, value: str | None) -> str | None:
        if value is not None and value not in TRANSFORMS:
            raise ValueError(
                f"{value!r} is no transform{nearest(value, TRANSFORMS)}; there are {', '.join(sorted(TRANSFORMS))}"
            )
        return value

    @model_validator(mode="after")
    def _fits_the_table(self) -> "EnrichSettings":
        if problem := next(_misfits(self), None):
            raise ValueError(problem)
        return self

    @property
    def type(self) -> ColumnType:
        """Give the type of the column that models see."""
        known = _TABLES[self.of].columns.get(self.attribute)
        read = TRANSFORMS[self.transform][1] if self.transform else "text"
        return known or self.kind or read


def _misfits(enrich: EnrichSettings) -> Iterator[str]:
    """Say what no column can be, or what does not go together."""
    table = _TABLES[enrich.of]
    known = table.columns.get(enrich.attribute)
    if enrich.attribute in (*table.key, *table.reserved, "account_id", "kind", "owner_id", "converted_at"):
        yield f"attribute {enrich.attribute!r} is filled by Leadlight or by the CRM alone"
    if enrich.kind is not None and known is not None and enrich.kind != known:
        yield f"kind {enrich.kind!r}: {enrich.attribute} of {enrich.of} is a {known} column; leave `kind` out"
    if enrich.type == "map":
        yield f"attribute {enrich.attribute!r}: kind map cannot be read from a vendor's text"
    read = TRANSFORMS[enrich.transform][1] if enrich.transform else enrich.type
    if read != enrich.type:
        yield f"transform {enrich.transform!r} gives {read}, {enrich.attribute} is {enrich.type}"
    if enrich.refresh_days and enrich.max_age_days and enrich.refresh_days > enrich.max_age_days:
        yield f"refresh_days {enrich.refresh_days:g} is after max_age_days {enrich.max_age_days:g}; refresh earlier"


def attributes_twice(raw: Mapping[str, Any]) -> Iterator[str]:
    """Name attributes that have more than one table; asked of the raw tables, as pools are."""
    seen: set[tuple[str, str]] = set()
    for place, row in enumerate(tables(raw.get("enrich")), start=1):
        named = (str(row.get("attribute")), str(row.get("of", "accounts")))
        if named in seen:
            yield f"enrich[{place}].attribute: another [[enrich]] is for {named[0]!r} of {named[1]}"
        seen.add(named)
