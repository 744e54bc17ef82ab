"""The subjects of a model: every field that a condition reads, known or null, one row per person.

Reads `people` and `accounts`; gives `subject_id`, `previous_band`, `as_of_s` and a feature column per field.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from scoring.expressions import (
    Scalar,
    case,
    column,
    epoch_s,
    integer,
    known_number,
    lowered,
    named,
    normalised,
    null,
    raw_text,
    table,
    trimmed,
)
from scoring.names import nearest
from scoring.schema import ACCOUNTS, BUILT_IN_FIELDS, PEOPLE, TABLES, ColumnType

Columns = Mapping[str, Mapping[str, ColumnType]]

SQL_TYPES: Mapping[ColumnType, str] = {
    "text": "text",
    "number": "double",
    "boolean": "boolean",
    "datetime": "bigint",
    "list": "array<text>",
    "map": "text",
}


@dataclass(frozen=True)
class Features:
    """The scope of conditions on a subject: its feature columns and their types."""

    types: Mapping[str, ColumnType]
    table: str | None = None

    def value(self, field: str, wanted: ColumnType) -> Scalar:
        """Give the feature column."""
        return column(feature_name(field), self.table)

    def haystack(self, field: str) -> Scalar:
        """Give the feature column."""
        return column(feature_name(field), self.table)

    def head(self, field: str) -> Scalar:
        """Give the feature column."""
        return column(feature_name(field), self.table)

    def column_type(self, field: str) -> ColumnType:
        """Give the type of the feature."""
        return self.types[field]

    def age_s(self, field: str) -> Scalar:
        """Give the age of the feature."""
        return column("as_of_s", self.table) - column(feature_name(field), self.table)


def feature_name(field: str) -> str:
    """Name the column of a field; the prefix keeps custom fields apart from the statement's own columns."""
    return f"f.{field}"


def field_types(
    fields: frozenset[str], columns: Columns, *, of_accounts: bool = False
) -> tuple[dict[str, ColumnType], list[str]]:
    """Find the type of every field the model reads, and the problems of those that the data do not have."""
    types: dict[str, ColumnType] = {}
    problems = []
    known = _account_fields(columns) if of_accounts else _known_fields(columns)
    for field in sorted(fields):
        if field in known:
            types[field] = known[field]
        else:
            problems.append(f"there is no field '{field}'{nearest(field, known)}")
        own = None if of_accounts else columns.get("people", {}).get(field.removeprefix("account."))
        if field.startswith("account.") and field in known and own not in (None, known[field]):
            problems.append(f"'{field}' is {known[field]} on accounts and {own} on people")
    return types, problems


def _known_fields(columns: Columns) -> dict[str, ColumnType]:
    people: dict[str, ColumnType] = {**columns.get("people", {}), **PEOPLE.columns}
    accounts: dict[str, ColumnType] = {**people, **columns.get("accounts", {}), **ACCOUNTS.columns}
    built_in: dict[str, ColumnType] = dict.fromkeys(BUILT_IN_FIELDS, "text")
    return {**people, **built_in, **{f"account.{name}": column_type for name, column_type in accounts.items()}}


def _account_fields(columns: Columns) -> dict[str, ColumnType]:
    """Give the fields of an account as a subject: each by its own name and as account.X."""
    own: dict[str, ColumnType] = {**columns.get("accounts", {}), **ACCOUNTS.columns}
    return {**own, **{f"account.{name}": column_type for name, column_type in own.items()}}


def account_subjects(types: Mapping[str, ColumnType], columns: Columns) -> exp.Select:
    """Select the accounts with their features."""
    features = [named(account_field(field, kind, columns), feature_name(field)) for field, kind in types.items()]
    return (
        exp.select(
            named(column("account_id", "accounts"), "subject_id"),
            named(source_column("accounts", "previous_band", columns), "previous_band"),
            named(column("as_of_s", "clock"), "as_of_s"),
            *features,
        )
        .from_(table("accounts"), copy=False)
        .join(table("clock"), join_type="cross", copy=False)
    )


def subjects(types: Mapping[str, ColumnType], columns: Columns) -> exp.Select:
    """Select the people that exist at as_of with their features.

    Fields of accounts are brought into form before the join: once per account, and not for each of its people.
    """
    known = [
        named(account_field(field, kind, columns), feature_name(field))
        for field, kind in types.items()
        if "accounts" in _holders(field, kind, columns)
    ]
    accounts = exp.select(column("account_id", "accounts"), *known).from_(table("accounts"), copy=False)
    features = [
        named(person_field(field, kind, columns, has_form=True), feature_name(field)) for field, kind in types.items()
    ]
    created_s = epoch_s(source_column("people", "created_at", columns))
    as_of_s = column("as_of_s", "clock")
    in_account = column("account_id", "accounts").eq(source_column("people", "account_id", columns))
    return (
        exp.select(
            named(column("person_id", "people"), "subject_id"),
            named(source_column("people", "previous_band", columns), "previous_band"),
            named(as_of_s, "as_of_s"),
            *features,
        )
        .from_(table("people"), copy=False)
        .join(accounts.subquery("accounts", copy=False), on=in_account, join_type="left", copy=False)
        .join(table("clock"), join_type="cross", copy=False)
        .where(exp.or_(created_s.is_(exp.null()), created_s.copy() <= as_of_s.copy()), copy=False)
    )


def source_column(table: str, name: str, columns: Columns) -> Scalar:
    """Give a column, or a typed null where the table lacks it."""
    kind = columns.get(table, {}).get(name)
    if kind is not None:
        return column(name, table)
    canonical = TABLES[table].columns.get(name, "text")
    return null("timestamp" if canonical == "datetime" else SQL_TYPES[canonical])


def account_field(field: str, kind: ColumnType, columns: Columns) -> Scalar:
    """Give a field of an account, by its own name or as account.X, in the form that conditions compare."""
    return comparable(source_column("accounts", field.removeprefix("account."), columns), kind)


def person_field(field: str, kind: ColumnType, columns: Columns, *, has_form: bool = False) -> Scalar:
    """Give a field of a person, of `people` or of `accounts`, in the form that conditions compare.

    With has_form, `accounts` has its fields in that form already, each as its feature column.
    """
    if field == "email_domain":
        return _email_domain(source_column("people", "email", columns))
    if not field.startswith("account."):
        return comparable(source_column("people", field, columns), kind)
    name = field.removeprefix("account.")
    own = [
        column(feature_name(field), table)
        if has_form and table == "accounts"
        else comparable(column(name, table), kind)
        for table in _holders(field, kind, columns)
    ]
    return exp.Coalesce(this=own[0], expressions=own[1:]) if own else null(SQL_TYPES[kind])


def _holders(field: str, kind: ColumnType, columns: Columns) -> list[str]:
    """Name the tables that hold a field of an account, the account's own first."""
    name = field.removeprefix("account.")
    tables = ("accounts", "people") if name != field else ()
    return [table for table in tables if columns.get(table, {}).get(name) == kind]


def _email_domain(email: Scalar) -> Scalar:
    has_at = exp.StrPosition(this=email, substr=raw_text("@")) > integer(0)
    after = exp.func("SPLIT_PART", email.copy(), raw_text("@"), integer(-1))
    return case([(has_at, normalised(after))])


def comparable(value: Scalar, kind: ColumnType) -> Scalar:
    """Give a column in the form that conditions compare: text normalised, times in seconds, null when unknown."""
    match kind:
        case "text" | "map":
            return normalised(value)
        case "number":
            return known_number(value)
        case "boolean":
            return value
        case "datetime":
            return epoch_s(value)
        case "list":
            body = trimmed(lowered(exp.column("element")))
            return exp.Transform(
                this=value, expression=exp.Lambda(this=body, expressions=[exp.to_identifier("element")])
            )
