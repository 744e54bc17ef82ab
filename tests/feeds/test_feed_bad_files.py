"""What comes in is never what was promised: one clear error, or the rows that can be read and the rest kept."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connector.feeds.pieces import UnreadableFile
from connector.feeds.records import LONGEST_LINE_BYTES
from connector.feeds.tables import pieces
from mappings.feed import Feed

HEAD = "id,email,type,at,score\n"
GOOD = "1,a@acme.example,call,2026-06-01,5\n"
FEED = Feed.model_validate({
    "vendor": "calls", "key": {"email": "email"}, "id": ["id"], "time": "at",
    "event": [{"type": {"from": "type"}, "value": "score"}],
})  # fmt: skip
Read = tuple[list[dict[str, Any]], list[int], list[tuple[int, str]]]


def read(path: Path) -> Read:
    """Read a file whole: its rows, their lines, and what could not be read."""
    found = list(pieces(path, FEED, duckdb.connect()))
    rows = [row for piece in found for row in piece.rows.to_pylist()]
    lines = [line for piece in found for line in piece.lines.to_pylist()]
    return rows, lines, sorted((reject.line, reject.reason) for piece in found for reject in piece.rejects)


def write(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def workbook() -> bytes:
    return b"PK\x03\x04" + bytes(range(256)) * 40


def parquet(columns: dict[str, list[object]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", "", "is empty"),
        ("rows.csv", "\n\n", "is empty"),
        ("rows.csv", "id,mail,type,at\n1,a@acme.example,call,2026-06-01\n", "'email', did you mean 'mail'?"),
        ("rows.csv", "id,mail,type,at\n1,a@acme.example,call,2026-06-01\n", "(there are: id, mail, type, at)"),
        ("rows.csv", "a;b;c\n1;2;3\n", "no column 'id'"),
        ("rows.csv", "id,email,email,type,at,score\n1,a,b,c,d,e\n", "'email' is there 2 times"),
        ("rows.csv", workbook(), "Excel workbook"),
        ("rows.csv", b"\x1f\x8b\x08" + bytes(99), "gzip"),
        ("rows.csv", b"\x00\x01\x02" * 999, "binary"),
        ("rows.csv", (HEAD + GOOD).encode("utf-16"), "UTF-16"),
        ("rows.csv", b"id,\xe9mail\n", "not UTF-8"),
        ("rows.csv", HEAD.encode() + b"x" * (LONGEST_LINE_BYTES + 2), "longer than"),
        ("rows.jsonl", '{"mail": "a@acme.example", "id": 1}\n', "'email', did you mean 'mail'?"),
        ("rows.parquet", HEAD + GOOD, "no Parquet file"),
        ("rows.parquet", b"PAR1" + bytes(99) + b"PAR1", "no Parquet file"),
        ("rows.parquet", parquet({"id": [1]}), "no column 'email'"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read(write(tmp_path, content, name))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("poison", "said"),
    [
        ("2,b@acme.example", "2 fields, the file has 5 columns"),
        ("2,b@acme.example,call,2026-06-01,5,6,7", "7 fields, the file has 5 columns"),
        ('2,b@acme.example,call,2026-06-01,"5', "a quote is not closed"),
        ('"2,b@acme.example,call,2026-06-01,5', "a quote is not closed"),
        (b"2,\xff@acme.example,call,2026-06-01,5", "is not UTF-8 text"),
        (b"2,b\x00@acme.example,call,2026-06-01,5", "is not UTF-8 text"),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_poison_line_costs_itself_alone(tmp_path: Path, poison: str | bytes, said: str, ending: str) -> None:
    bad = poison.encode() if isinstance(poison, str) else poison
    many = [f"{number},p{number}@acme.example,call,2026-06-01,5".encode() for number in range(3, 400)]
    lines = [HEAD.strip().encode(), GOOD.strip().encode(), bad, *many]
    rows, at, rejects = read(write(tmp_path, ending.encode().join(lines)))
    assert rejects == [(3, said)] or (rejects[0][0], rejects[0][1][: len(said)], len(rejects)) == (3, said, 1)
    assert [row["id"] for row in rows] == ["1", *(str(number) for number in range(3, 400))]
    assert at == [2, *range(4, 401)]


def test_a_quoted_field_may_go_over_lines(tmp_path: Path) -> None:
    text = (
        HEAD + '1,a@acme.example,"a\ncall, ""so"" to say\n\nreally",2026-06-01,5\n2,b@acme.example,call,2026-06-01,5\n'
    )
    rows, lines, rejects = read(write(tmp_path, text))
    assert [row["type"] for row in rows] == ['a\ncall, "so" to say\n\nreally', "call"]
    assert (lines, rejects) == ([2, 6], [])


def test_a_quote_within_a_field_is_a_letter(tmp_path: Path) -> None:
    rows, _, rejects = read(write(tmp_path, HEAD + '1,a@acme.example,5" pipe,2026-06-01,5\n' + GOOD))
    assert ([row["type"] for row in rows], rejects) == (['5" pipe', "call"], [])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_and_names_are_forgiving(tmp_path: Path, delimiter: str) -> None:
    head = delimiter.join(["\ufeffID ", "E-Mail", " Type", "AT", "Score"]).replace("E-Mail", "eMail")
    rows, _, _ = read(write(tmp_path, head + "\n" + GOOD.replace(",", delimiter)))
    assert rows == [{"id": "1", "email": "a@acme.example", "type": "call", "at": "2026-06-01", "score": "5"}]


def test_a_formula_is_text(tmp_path: Path) -> None:
    cell = "=HYPERLINK(A1)"
    rows, _, rejects = read(write(tmp_path, HEAD + f"1,a@acme.example,{cell},2026-06-01,5\n"))
    assert (rows[0]["type"], rejects) == (cell, [])


def test_blank_lines_and_old_line_ends_count(tmp_path: Path) -> None:
    rows, lines, rejects = read(write(tmp_path, HEAD + "\n" + GOOD + "\n\n" + GOOD))
    assert ([row["id"] for row in rows], lines, rejects) == (["1", "1"], [3, 6], [])
    rows, lines, _ = read(write(tmp_path, (HEAD + GOOD + GOOD).replace("\n", "\r")))
    assert ([row["id"] for row in rows], lines) == (["1", "1"], [2, 3])


def test_json_lines_that_are_none_are_kept(tmp_path: Path) -> None:
    good = '{"id": 7, "email": "a@acme.example", "type": "call", "at": "2026-06-01", "score": 5.5}'
    rows, lines, rejects = read(write(tmp_path, f"{good}\n{{bad\n[1]\n\n7\n{good}\n", "rows.jsonl"))
    assert [row["id"] for row in rows] == ["7", "7"]
    assert (lines, rejects) == ([1, 6], [(2, "is no JSON object"), (3, "is no JSON object"), (5, "is no JSON object")])


def test_dotted_names_go_into_json_objects(tmp_path: Path) -> None:
    feed = FEED.model_copy(update={"id": ("user.id",), "event": FEED.event})
    path = write(tmp_path, '{"user": {"id": 9}, "email": "a", "type": "b", "at": "c", "score": 1}\n', "rows.jsonl")
    (piece,) = pieces(path, feed, duckdb.connect())
    assert piece.rows["user.id"].to_pylist() == ["9"]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    values: dict[str, object] = {"id": 1, "email": "a@acme.example", "type": "call", "at": "2026-06-01", "score": 5.5}
    rows, lines, _ = read(write(tmp_path, parquet({name: [value] for name, value in values.items()}), "rows.parquet"))
    assert (rows, lines) == (
        [{"id": 1, "email": "a@acme.example", "type": "call", "at": "2026-06-01", "score": 5.5}],
        [1],
    )


Poison = Callable[[int], str]


def test_lines_are_right_over_many_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.feeds.records.BLOCK_BYTES", 1000)
    lines = [f'{number},p{number}@acme.example,"a\nb",2026-06-01,5' for number in range(300)]
    lines[150] = '150,p@acme.example,"call,2026-06-01,5'
    rows, at, rejects = read(write(tmp_path, HEAD + "\n".join(lines) + "\n"))
    assert [row["id"] for row in rows] == [str(number) for number in range(300) if number != 150]
    assert [line for line, _ in rejects] == [302]
    assert at == [2 + 2 * number - (number > 150) for number in range(300) if number != 150]


def test_a_report_may_begin_with_lines_about_itself(tmp_path: Path) -> None:
    about = (
        'Report\nGenerated:,"Jul 1, 2026"\n\nHost\nid,email,type,at,score,extra\n9,h@acme.example,call,2026-06-01,5,x\n'
    )
    path = write(tmp_path, about + "Attendees\n" + HEAD + GOOD)
    (piece,) = pieces(path, FEED.model_copy(update={"preamble": True}), duckdb.connect())
    assert (piece.rows["email"].to_pylist(), piece.lines.to_pylist()) == (["a@acme.example"], [9])
    with pytest.raises(UnreadableFile, match="there are: Report"):
        read(path)
    with pytest.raises(UnreadableFile, match="there are: Report"):
        list(pieces(write(tmp_path, about[:40]), FEED.model_copy(update={"preamble": True}), duckdb.connect()))
