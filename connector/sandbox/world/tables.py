"""A world read from a folder of canonical tables: people, accounts, events and outcomes, Parquet or CSV.

A missing file is an empty table and a missing column is unknown. Columns of people and accounts that are not canonical
become custom fields. Names of people are made up from their ids: canonical tables hold none.
"""

import csv
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from connector.sandbox.world.columns import ColumnKind, custom_kind, read_values
from connector.sandbox.world.demo import OWNERS
from connector.sandbox.world.rows import Account, CustomKind, Event, Outcome, Owner, Person, World, WorldError
from connector.sandbox.world.vocabulary import vocabulary

PEOPLE: Mapping[str, ColumnKind] = {
    **dict.fromkeys(("person_id", "kind", "account_id", "owner_id", "email", "phone", "title", "seniority"), "text"),
    **dict.fromkeys(("department", "buying_role", "country", "source"), "text"),
    "opted_out": "boolean",
    "created_at": "datetime",
    "converted_at": "datetime",
    **dict.fromkeys(("company", "domain", "industry"), "text"),
    "employees": "number",
    "revenue": "number",
    "technologies": "list",
}
ACCOUNTS: Mapping[str, ColumnKind] = {
    **dict.fromkeys(("account_id", "name", "domain", "industry"), "text"),
    "employees": "number",
    "revenue": "number",
    "country": "text",
    "technologies": "list",
    **dict.fromkeys(("type", "owner_id"), "text"),
}
EVENTS: Mapping[str, ColumnKind] = {
    "event_id": "text",
    "type": "text",
    "occurred_at": "datetime",
    **dict.fromkeys(("person_id", "account_id", "url", "asset", "source"), "text"),
    "value": "number",
    "props": "map",
    "is_bot": "boolean",
}
OUTCOMES: Mapping[str, ColumnKind] = {
    "kind": "text",
    "occurred_at": "datetime",
    **dict.fromkeys(("person_id", "account_id", "reason"), "text"),
    "amount": "number",
}
RESERVED = frozenset({"previous_band"})  # written by Leadlight, no fact of a CRM
KINDS = frozenset({"lead", "contact"})


@dataclass(frozen=True)
class Shape:
    """Say what one table holds; keys must be filled, the first key is unique if `once`."""

    name: str
    columns: Mapping[str, ColumnKind]
    keys: tuple[str, ...]
    once: bool = False
    custom: bool = False


SHAPES = (
    Shape("people", PEOPLE, ("person_id",), once=True, custom=True),
    Shape("accounts", ACCOUNTS, ("account_id",), once=True, custom=True),
    Shape("events", EVENTS, ("event_id", "type", "occurred_at")),
    Shape("outcomes", OUTCOMES, ("kind", "occurred_at")),
)


@dataclass(frozen=True)
class Read:
    """Hold one table: canonical columns in the order of its shape, then the custom ones."""

    length: int
    values: Sequence[Sequence[Any]]
    custom: Mapping[str, CustomKind]

    def rows(self, canonical: int) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """Give rows as canonical values and custom values."""
        return ((row[:canonical], row[canonical:]) for row in zip(*self.values, strict=True))


def open_tables(folder: Path) -> World:
    """Read a folder; raises WorldError naming every problem of every file."""
    problems: list[str] = []
    if not folder.is_dir():
        raise WorldError([f"world: {folder} is no folder; give demo, empty, or a folder of canonical tables"])
    if not any(find_file(folder, shape.name, problems) for shape in SHAPES) and not problems:
        names = ", ".join(shape.name for shape in SHAPES)
        raise WorldError([f"world: {folder} holds none of {names} as .parquet or .csv"])
    tables = {shape.name: read_table(folder, shape, problems) for shape in SHAPES}
    if problems:
        raise WorldError(problems)
    return world_of(tables)


def world_of(tables: Mapping[str, Read]) -> World:
    """Make a world's streams over tables that were read."""
    people, accounts = tables["people"], tables["accounts"]
    owned = (people.values[list(PEOPLE).index("owner_id")], accounts.values[list(ACCOUNTS).index("owner_id")])
    return World(
        owners=(*OWNERS, *owners_in(*owned)),
        accounts=lambda: (Account._make((*row, custom)) for row, custom in accounts.rows(len(ACCOUNTS))),
        people=lambda: (person_of(row, custom) for row, custom in people.rows(len(PEOPLE))),
        events=lambda: each_once(tables["events"]),
        outcomes=lambda: (Outcome(*row) for row, _ in tables["outcomes"].rows(len(OUTCOMES))),
        people_columns=people.custom,
        account_columns=accounts.custom,
    )


def find_file(folder: Path, name: str, problems: list[str]) -> Path | None:
    """Find a table's file; two of one table are a problem."""
    found = [path for path in (folder / f"{name}.parquet", folder / f"{name}.csv") if path.is_file()]
    if (
        len(found) > 1
        and (problem := f"{name}: both {found[0].name} and {found[1].name} are there; keep one") not in problems
    ):
        problems.append(problem)
    return found[0] if found else None


def read_table(folder: Path, shape: Shape, problems: list[str]) -> Read:
    """Read one table, noting what is wrong with it."""
    path = find_file(folder, shape.name, problems)
    table = None if path is None else load(path, problems)
    if path is None or table is None:
        return Read(0, [[] for _ in shape.columns], {})
    lacking = [key for key in shape.keys if key not in table.column_names]
    problems += [f"{path.name}: column {key} is missing; it is the key of {shape.name}" for key in lacking]
    extra = [name for name in table.column_names if name not in shape.columns and name not in RESERVED]
    custom = {name: custom_kind(table[name]) for name in extra} if shape.custom else {}
    kinds: dict[str, ColumnKind | CustomKind] = {**shape.columns, **custom}
    values = [read_column(path.name, table, name, kind, problems) for name, kind in kinds.items()]
    if not lacking:
        check_keys(path.name, shape, values, problems)
    return Read(table.num_rows, values, custom)


def load(path: Path, problems: list[str]) -> pa.Table | None:
    """Read a file's columns, those of CSV as text."""
    try:
        return pq.read_table(path) if path.suffix == ".parquet" else load_csv(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError, StopIteration) as error:
        problems.append(f"{path.name}: cannot be read ({type(error).__name__}: {error})")
        return None


def load_csv(path: Path) -> pa.Table:
    """Read a CSV file with every column as text; an empty cell is null."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file))
    options = pacsv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()),
        strings_can_be_null=True,
        null_values=[""],
        quoted_strings_can_be_null=True,
    )
    return pacsv.read_csv(path, parse_options=pacsv.ParseOptions(newlines_in_values=True), convert_options=options)


def read_column(
    file: str, table: pa.Table, name: str, kind: ColumnKind | CustomKind, problems: list[str]
) -> Sequence[Any]:
    """Read one column; an absent one is unknown in every row."""
    if name not in table.column_names:
        return [None] * table.num_rows
    try:
        return read_values(table[name], kind)
    except (ValueError, pa.ArrowException) as error:
        problems.append(f"{file}: column {name} should hold {kind} values: {error}")
        return [None] * table.num_rows


def check_keys(file: str, shape: Shape, values: Sequence[Sequence[Any]], problems: list[str]) -> None:
    """Note keys that are empty, and ids that stand twice."""
    names = list(shape.columns)
    for key in shape.keys:
        column = values[names.index(key)]
        if empty := sum(value is None for value in column):
            problems.append(f"{file}: column {key} is empty in {empty} of {len(column)} rows; fill it")
    if shape.once:
        counts = Counter(values[names.index(shape.keys[0])])
        twice = [value for value, count in counts.items() if count > 1 and value is not None]
        if twice:
            shown = ", ".join(map(str, twice[:3]))
            problems.append(
                f"{file}: {len(twice)} values of {shape.keys[0]} stand more than once ({shown}); keep one row each"
            )


def person_of(row: tuple[Any, ...], custom: tuple[Any, ...]) -> Person:
    """Make a person of its canonical values, with a made-up name."""
    person_id, kind, *rest = row
    number = zlib.crc32(str(person_id).encode())
    country = vocabulary().countries.words[number % len(vocabulary().countries.words)]
    first, last = country.given[number // 16 % len(country.given)], country.family[number // 256 % len(country.family)]
    known = str(kind).strip().lower() if kind is not None else None
    return Person._make((person_id, known if known in KINDS else None, first, last, *rest, custom))


def each_once(events: Read) -> Iterator[Event]:
    """Give events, the first of each id."""
    seen: set[str] = set()
    for row, _ in events.rows(len(EVENTS)):
        if row[0] not in seen:
            seen.add(row[0])
            yield Event(*row)


def owners_in(*columns: Sequence[str | None]) -> Iterator[Owner]:
    """Make an owner of each owner id that the made-up world does not know."""
    known = {owner.owner_id for owner in OWNERS}
    found = sorted({owner_id for column in columns for owner_id in column if owner_id} - known)
    for number, owner_id in enumerate(found, 1):
        address = owner_id if "@" in owner_id else f"owner{number}@leadlight.example"
        yield Owner(owner_id, address, None, owner_id.partition("@")[0])
