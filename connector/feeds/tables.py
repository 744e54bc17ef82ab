"""Read the files of feeds as pieces of rows: CSV, JSON lines, Parquet. Every column of text stays text."""

import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from connector.engine.relations import literal, quoted
from connector.feeds.pieces import Piece, Reject, UnreadableFile, found_columns, shown
from connector.feeds.records import Records, Shape, csv_records, lines_of, plain_records
from mappings.feed import Feed

CSV: Final = (".csv", ".tsv", ".txt")
JSON_LINES: Final = (".jsonl", ".ndjson", ".json")
PARQUET: Final = (".parquet",)
SUFFIXES: Final = (*CSV, *JSON_LINES, *PARQUET)
BATCH_ROWS: Final = 122_880
MOST_PREAMBLE: Final = 300  # lines about a report, before its table
_DELIMITERS: Final = (",", ";", "\t", "|")


def pieces(path: Path, feed: Feed, engine: duckdb.DuckDBPyConnection) -> Iterator[Piece]:
    """Read a file piece by piece; raises UnreadableFile where it cannot be read at all, and OSError."""
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        yield from _parquet_pieces(path, feed)
    elif suffix in JSON_LINES:
        yield from _json_pieces(path, feed, engine)
    else:
        yield from _csv_pieces(path, feed)


def _csv_pieces(path: Path, feed: Feed) -> Iterator[Piece]:
    blocks = lines_of(path)
    first = next(blocks, None)
    if first is None or not any(line.strip() for line in first):
        raise UnreadableFile("is empty: a CSV file has a line of column names")
    at = _table_begins(first, feed) if feed.preamble else 0
    names, delimiter = _names(first[at])
    found = found_columns(feed, names)
    doubled = sorted({actual for actual in found.values() if names.count(actual) > 1})
    if doubled:
        raise UnreadableFile(f"the column {doubled[0]!r} is there {names.count(doubled[0])} times; keep one")
    for records in csv_records(chain([first[at + 1 :]], blocks), at + 2, Shape(delimiter, len(names))):
        yield _csv_piece(records, names, found, delimiter)


def _names(line: bytes) -> tuple[list[str], str]:
    """Read a line of column names; gives them and what stands between them."""
    try:
        head = line.rstrip(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableFile("its first line is not UTF-8 text; save it as CSV (UTF-8)") from None
    delimiter = max(_DELIMITERS, key=head.count)
    return [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])], delimiter


def _table_begins(lines: list[bytes], feed: Feed) -> int:
    """Find the line of column names behind lines about a report; the first one where none names them all."""
    found = 0
    for place, line in enumerate(lines[:MOST_PREAMBLE]):
        with suppress(UnreadableFile):
            found_columns(feed, _names(line)[0])
            found = place
    return found


def _csv_piece(records: Records, names: list[str], found: dict[str, str], delimiter: str) -> Piece:
    """Parse records; those of another width are rejects."""
    ragged: list[int] = []
    rejects = list(records.rejects)

    def refuse(row: arrow_csv.InvalidRow) -> str:
        place = row.number - 1
        ragged.append(place)
        reason = f"{row.actual_columns} fields, the file has {row.expected_columns} columns"
        rejects.append(Reject(records.lines[place], reason, shown(records.records[place])))
        return "skip"

    numbered = [str(place) for place in range(len(names))]  # column names may be empty or equal
    wanted = {str(names.index(actual)): name for name, actual in found.items()}
    rows = _parsed(records, numbered, wanted, delimiter, refuse)
    gone = set(ragged)
    lines = [line for place, line in enumerate(records.lines) if place not in gone] if gone else records.lines
    return Piece(rows, pa.array(lines, pa.int64()), rejects)


def _parsed(records: Records, numbered: list[str], wanted: dict[str, str], delimiter: str, refuse: object) -> pa.Table:
    if not records.records:
        return pa.table({name: pa.nulls(0, pa.string()) for name in wanted.values()})
    raw = b"\n".join(records.records) + b"\n"
    table = arrow_csv.read_csv(
        io.BytesIO(raw),
        arrow_csv.ReadOptions(column_names=numbered, use_threads=False, block_size=len(raw) + 1),
        arrow_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=records.spans_lines, invalid_row_handler=refuse,
            ignore_empty_lines=False,
        ),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()), include_columns=list(wanted), null_values=[""],
            strings_can_be_null=True,
        ),
    )  # fmt: skip
    return table.rename_columns(list(wanted.values()))


def _json_pieces(path: Path, feed: Feed, engine: duckdb.DuckDBPyConnection) -> Iterator[Piece]:
    is_checked = False
    for records in plain_records(lines_of(path)):
        piece = _json_piece(records, feed, engine)
        if not is_checked and piece.rows.num_rows:
            _check_keys(feed, piece, records, engine)
            is_checked = True
        yield piece


def _json_piece(records: Records, feed: Feed, engine: duckdb.DuckDBPyConnection) -> Piece:
    """Take the values that are read out of JSON objects, as text; a dotted name goes into objects."""
    given = pa.table(
        {
            "line": pa.array(records.lines, pa.int64()),
            "raw": pa.array([r.decode() for r in records.records], pa.string()),
        }
    )
    engine.register("given", given)
    names = feed.columns()
    values = ", ".join(f"{_value(name)} AS {quoted(name)}" for name in names)
    is_object = "coalesce(json_valid(raw) AND json_type(CASE WHEN json_valid(raw) THEN raw END) = 'OBJECT', false)"
    select = f"SELECT line, {values} FROM given WHERE {is_object}"  # noqa: S608 - names are quoted
    rows = engine.sql(select).to_arrow_table()
    bad = engine.execute(f"SELECT line, raw FROM given WHERE NOT {is_object}").fetchall()  # noqa: S608 - constant
    engine.unregister("given")
    rejects = [*records.rejects, *(Reject(line, "is no JSON object", raw[:2000]) for line, raw in bad)]
    there = [name for name in names if name not in feed.optional or rows[name].null_count < rows.num_rows]
    return Piece(rows.select(there), rows["line"].combine_chunks(), rejects)


def _value(name: str) -> str:
    """Write the value of a key, of the path that its dots make where no key is called so."""
    plain = literal('$."' + name.replace('"', '\\"') + '"')
    if "." not in name:
        return f"json_extract_string(raw, {plain})"
    path = literal("$" + "".join(f'."{part}"' for part in name.replace('"', '\\"').split(".")))
    return f"coalesce(json_extract_string(raw, {plain}), json_extract_string(raw, {path}))"


def _check_keys(feed: Feed, piece: Piece, records: Records, engine: duckdb.DuckDBPyConnection) -> None:
    """Refuse a file whose first rows have none of a column that is needed."""
    known = [name for name in piece.rows.column_names if piece.rows[name].null_count < piece.rows.num_rows]
    if all(any(name in known for name in group) for group in feed.needed()):
        return
    first = next(r for r, n in zip(records.records, records.lines, strict=True) if n == piece.lines[0].as_py())
    keys = engine.execute("SELECT json_keys(?)", [first.decode()]).fetchall()[0][0]
    found_columns(feed, list(dict.fromkeys([*known, *keys])))


def _parquet_pieces(path: Path, feed: Feed) -> Iterator[Piece]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        if getattr(error, "errno", None):
            raise
        raise UnreadableFile("is no Parquet file, or a damaged one") from None
    with file:
        found = found_columns(feed, file.schema_arrow.names)
        at = 1
        try:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys(found.values()))):
                rows = pa.table({name: batch.column(actual) for name, actual in found.items()})
                yield Piece(rows, pa.array(range(at, at + rows.num_rows), pa.int64()))
                at += rows.num_rows
        except (pa.ArrowInvalid, OSError):
            raise UnreadableFile(f"is damaged behind row {at - 1:,}") from None
