"""Cut text files into records: whole lines, and quoted fields that go over several; what is broken costs its own line.

Flat in memory: a file is read in blocks.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from connector.feeds.pieces import Reject, UnreadableFile, shown

BLOCK_BYTES: Final = 8 << 20
LONGEST_LINE_BYTES: Final = 1 << 20
MOST_LINES: Final = 100  # of one quoted field; beyond, a quote was not closed
MOST_ZEROS: Final = 40  # of the first bytes; a text has none, a broken line may have some
_BOM: Final = b"\xef\xbb\xbf"
_OTHER_MARKS: Final = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": "a ZIP file or Excel workbook",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF file",
    b"PAR1": "a Parquet file",
}


@dataclass(frozen=True)
class Shape:
    """Say how the lines of a CSV file are divided."""

    delimiter: str
    columns: int


@dataclass
class Records:
    """Hold records, the line that each begins in, and the lines that are none; lines count from 1."""

    records: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    spans_lines: bool = False


def lines_of(path: Path) -> Iterator[list[bytes]]:
    """Give the lines of a text file, some thousands at a time; the mark that some programs put first is taken off.

    Raises UnreadableFile for what is no text, and OSError.
    """
    rest, first = b"", True
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            if first:
                block, first = _text(block), False
            if b"\r" in block and b"\n" not in block:
                block = block.replace(b"\r", b"\n")
            head, cut, tail = (rest + block).rpartition(b"\n")
            if cut:
                yield head.split(b"\n")
            rest = tail
            if len(rest) > LONGEST_LINE_BYTES:
                raise UnreadableFile(f"a line is longer than {LONGEST_LINE_BYTES:,} bytes; is it a text file?")
    if rest:
        yield [rest]


def _text(block: bytes) -> bytes:
    """Refuse a file that begins as no text does."""
    for mark, kind in _OTHER_MARKS.items():
        if block.startswith(mark):
            raise UnreadableFile(f"is {kind} and not UTF-8 text; save it as CSV (UTF-8), or unpack it")
    if b"\x00" in block.partition(b"\n")[0] or block[:4096].count(b"\x00") > MOST_ZEROS:
        raise UnreadableFile("is binary and not UTF-8 text; is it the right file?")
    return block.removeprefix(_BOM)


def csv_records(blocks: Iterator[list[bytes]], start: int, shape: Shape) -> Iterator[Records]:
    """Put the lines of a CSV file together to records; start is the number of the first line."""
    carried: list[bytes] = []
    at = start
    for block in blocks:
        lines = carried + block
        found, used = _records(lines, at, shape, is_last=False)
        carried, at = lines[used:], at + used
        yield found
    if carried:
        found, _ = _records(carried, at, shape, is_last=True)
        yield found


def plain_records(blocks: Iterator[list[bytes]]) -> Iterator[Records]:
    """Take each line as a record; blank ones are none."""
    at = 1
    for lines in blocks:
        found = Records()
        for number, line in enumerate(lines, start=at):
            if line.strip():
                found.records.append(line)
                found.lines.append(number)
        at += len(lines)
        yield _decodable(found)


def _records(lines: list[bytes], start: int, shape: Shape, *, is_last: bool) -> tuple[Records, int]:
    """Give the records of lines, and how many lines they take; a record that may go on is left for later."""
    odd = [place for place, line in enumerate(lines) if line.count(b'"') & 1]
    found, at = Records(), 0
    for place in odd:
        if place < at:
            continue
        _take(found, lines, at, place, start)
        size = _quoted(lines[place : place + MOST_LINES], shape)
        if size is None and not is_last and len(lines) - place < MOST_LINES:
            return _decodable(found), place
        if size is None:
            reason = "a quote is not closed: the field would go on for more than its line"
            found.rejects.append(Reject(start + place, reason, shown(lines[place])))
        else:
            found.records.append(b"\n".join(lines[place : place + size]))
            found.lines.append(start + place)
            found.spans_lines |= size > 1
        at = place + (size or 1)
    _take(found, lines, at, len(lines), start)
    return _decodable(found), len(lines)


def _take(found: Records, lines: Sequence[bytes], at: int, end: int, start: int) -> None:
    """Take lines that are records by themselves; blank ones are none."""
    if b"" not in lines[at:end] and b"\r" not in lines[at:end]:
        found.records += lines[at:end]
        found.lines += range(start + at, start + end)
        return
    for place in range(at, end):
        if lines[place].strip():
            found.records.append(lines[place])
            found.lines.append(start + place)


def _quoted(lines: Sequence[bytes], shape: Shape) -> int | None:
    """Tell how many lines a record takes that has an odd number of quotes in its first; null where none end it."""
    text = ""
    for size, line in enumerate(lines, start=1):
        if size > 1 and not line.count(b'"') & 1:
            text += line.decode("utf-8", errors="replace") + "\n"
            continue
        text += line.decode("utf-8", errors="replace") + "\n"
        try:
            record = next(csv.reader(text.splitlines(keepends=True), delimiter=shape.delimiter, strict=True))
        except (csv.Error, StopIteration):
            continue
        return size if size == 1 or len(record) == shape.columns else None
    return None


def _decodable(found: Records) -> Records:
    """Take out the records that are no UTF-8 or hold a zero byte."""
    whole = b"\n".join(found.records)
    if b"\x00" not in whole and _is_utf8(whole):
        return found
    kept = [place for place, record in enumerate(found.records) if b"\x00" not in record and _is_utf8(record)]
    good = set(kept)
    for place, record in enumerate(found.records):
        if place not in good:
            found.rejects.append(Reject(found.lines[place], "is not UTF-8 text", shown(record)))
    records, lines = ([values[place] for place in kept] for values in (found.records, found.lines))
    return Records(records, lines, found.rejects, found.spans_lines)  # type: ignore[arg-type] # mypy joins the two lists


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
