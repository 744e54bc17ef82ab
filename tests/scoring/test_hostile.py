"""Hostile model files: a clear error or correct escaping; never a wrong score, SQL that runs or a traceback."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connector.cli import app
from connector.engine.duckdb import open_engine
from scoring.lint import lint
from scoring.model import Model, ModelError, load_model, load_people_model
from scoring.regular import pattern_problems
from tests.scoring.running import Row, run
from tests.scoring.toml_text import toml

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
HEAD = '[model]\nid = "m"\n'
NASTY = [
    "'; DROP TABLE people; --",
    '"; DROP TABLE people; --',
    "*/ SELECT 1 /* --",
    "a\nb; \t c",
    "{{ 7 * 7 }} {% raw %} ${x} %s {0}",
    "\\' \\\" \\n $$ $1 ?",
    "ß İ \u200b — 🙂",
    "x' OR '1'='1",
    "NULL",
]


def fit(condition: str, more: str = "") -> str:
    return f'[[fit]]\nid = "a"\npoints = 1\nwhen = {condition}\n{more}\n'


def nested(key: str, levels: int) -> str:
    inner = '{ field = "kind", is = "lead" }'
    for _ in range(levels):
        inner = f"{{ not = {inner} }}" if key == "not" else f"{{ {key} = [ {inner} ] }}"
    return inner


def matching(pattern: str) -> str:
    return HEAD + fit(f'{{ field = "title", matches = {toml(pattern)} }}')


def many(count: int, table: str = "fit") -> str:
    return HEAD + "".join(
        f'[[{table}]]\nid = "r{n}"\npoints = 1\nwhen = {{ field = "title", is = "x{n}" }}\n' for n in range(count)
    )


def refused(folder: Path, text: str) -> str:
    file = folder / "m.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_model(file)
    for problem in caught.value.problems:
        assert problem.startswith(f"{file}: ")
        assert problem.isprintable()
        assert len(problem) < len(str(file)) + 420
    return "\n".join(caught.value.problems)


def loaded(folder: Path, text: str) -> Model:
    file = folder / "m.toml"
    file.write_text(text, encoding="utf-8")
    return load_model(file)


def score(folder: Path, model: Model, **given: list[Row]) -> dict[str, Row]:
    with open_engine() as engine:
        return run(engine, model, folder, as_of=NOW, **{"people": [], **given})  # type: ignore[arg-type] # rows


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (HEAD + fit(nested("not", 200)), "nest deeper than 20 levels"),
        (HEAD + fit(nested("any", 30)), "nest deeper than 20 levels"),
        (HEAD + fit(nested("all", 200)), "too deeply to be read"),
        (HEAD + fit(nested("not", 5000)), "too deeply to be read"),
        (HEAD + "x = " + "[" * 100_000, "too deeply to be read"),
        (many(20_000), "fit: 20,000 tables, 500 is the most"),
        (HEAD + "[[segment]]\nid = 'x'\nwhen = { field = 'kind', is = 'x' }\n" * 101, "segment: 101 tables, 100"),
        (matching("(?:x{1000}){1000}"), "repeats something 1,000,000 times, 1,000 is the most"),
        (matching("x" * 1_000_000), "is 1,000,000 characters long, 5,000 is the most"),
        (matching("(" * 3000 + ")" * 3000), "is 6,000 characters long"),
        (matching("(" * 300 + ")" * 300), "nests more than 50 groups"),
        (matching("a\0b"), "has a NUL character"),
        (HEAD + fit('{ field = "title", is = "a\\u0000b" }'), "'a\\x00b' has a NUL character"),
        (HEAD + fit('{ field = "kind", is = "x" }', 'label = "a\\u0000b"'), "has a NUL character"),
        (HEAD + '[group."a\\u0000b"]\n', "group.a\\x00b: the name is blank or has a character"),
        (HEAD + '[group."a\\nb"]\n', "group.a\\nb: the name is blank or has a character"),
        (HEAD + f"[group.{'g' * 70_000}]\n", "the name has 70,000 letters, 64 is the most"),
        (HEAD + fit("{ field = 'kind', is = 'x' }").replace('"a"', f'"{"i" * 5000}"'), "an id of 5,000 letters"),
        (HEAD + fit("{ field = 'kind', is = 'x' }").replace('"a"', '"a; DROP TABLE x"'), "is not an id: letters"),
        (HEAD + fit("{ field = 'kind', is = 'x' }") * 2, "fit.a: the id 'a' is used 2 times"),
        (HEAD + fit("{ field = 'kind', is = 'x' }").replace("1\n", "nan\n"), "nan is not a finite number"),
        (HEAD + fit("{ field = 'kind', is = 'x' }").replace("1\n", "-inf\n"), "-inf is not a finite number"),
        (HEAD + fit("{ field = 'kind', is = 'x' }").replace("1\n", "1e308\n"), "a number beyond 1e+15"),
        (HEAD + fit("{ field = 'kind', is = 'x' }").replace("1\n", f"1{'0' * 400}\n"), "a number beyond 1e+15"),
        (HEAD + fit("{ field = 'created_at', gt = 0001-01-01T00:00:00+14:00 }"), "outside the calendar in UTC"),
        (HEAD + fit("{ field = 'created_at', gt = 12:00:00 }"), "neither text, number, true/false nor a time"),
        (HEAD + fit("{ field = 'kind', soundslike = 'x' }"), "unknown key 'soundslike'"),
        (
            HEAD + fit("{ any = [ { field = 'Title', is = 'x' }, { field = 'account.title', is = 'x' } ] }"),
            "fields 'Title' and 'title' differ in case alone",
        ),
        ("[model]\nid = 'm'\nsubject = 'account'\n[rollup]\nmodel = 'M'\n", "rollup.model: 'M' is this model itself"),
        (HEAD + "[[engagement]]\nid = 'e'\nevent = 'x'\npoints = 1\ndecay = { half_life = '0d' }", "is too short"),
        (HEAD + "[[engagement]]\nid = 'e'\nevent = 'x'\npoints = 1\nwithin = '٣d'", "is not a duration"),
        (HEAD + f"[[engagement]]\nid = 'e'\nevent = 'x'\npoints = 1\nat_least = {10**30}", "less than or equal"),
        (HEAD + "[model]\nid = 'again'\n", "is not TOML"),
        ("fit = [1, 'a']\n" + HEAD, "fit[1]"),
        ("model = 3\n", "model"),
        ("", "the table [model] with an 'id' is missing"),
    ],
    ids=lambda value: value if len(value) < 60 else "",
)
def test_a_clear_error(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in refused(tmp_path, text)


def test_accounts_cannot_roll_up_accounts(tmp_path: Path) -> None:
    """A circle of account models ends at its first step."""
    for name, other in (("a", "b"), ("b", "a")):
        text = f"[model]\nid = '{name}'\nsubject = 'account'\n[rollup]\nmodel = '{other}'\n"
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"rollup\.model: 'b' scores accounts"):
        load_people_model(load_model(tmp_path / "a.toml"))
    (tmp_path / "b.toml").write_text(HEAD, encoding="utf-8")
    with pytest.raises(ModelError, match=r"b\.toml holds the model 'm', not 'b'"):
        load_people_model(load_model(tmp_path / "a.toml"))


def test_what_is_no_model_file(tmp_path: Path) -> None:
    binary = tmp_path / "b.toml"
    binary.write_bytes(bytes(range(256)))
    sources: list[tuple[str | Path, str]] = [
        (binary, "is not UTF-8 text"),
        (tmp_path, "cannot be read"),
        ("preset:../presets/simple", "no such preset"),
        ("preset:\n", "no such preset"),
        ("\0", "is not the name of a file"),
    ]
    for source, problem in sources:
        with pytest.raises(ModelError, match=problem):
            load_model(source)


def test_the_command_line_shows_no_traceback(tmp_path: Path) -> None:
    for text in (HEAD + fit(nested("not", 5000)), matching("x{1001}"), many(600), HEAD + '[group."a\\nb"]\n'):
        (tmp_path / "m.toml").write_text(text, encoding="utf-8")
        result = CliRunner().invoke(app, ["model", "lint", str(tmp_path / "m.toml")])
        assert (result.exit_code, result.exception if result.exit_code != 2 else None) == (2, None)
        assert "error" in result.output


@pytest.mark.parametrize("text", NASTY)
def test_any_text_is_a_value(tmp_path: Path, text: str) -> None:
    """As operand, label, group, grade, event type and property it finds what is equal to it and nothing else."""
    said = toml(text)
    group = "".join(letter if letter.isprintable() else " " for letter in text)
    model = loaded(
        tmp_path,
        HEAD
        + fit(f'{{ field = "title", is = {said} }}', f"label = {said}\ngroup = {toml(group)}")
        + f'[[fit]]\nid = "b"\npoints = 10\nwhen = {{ field = "title", contains_any = [{said}, "zz"] }}\n'
        + f'[[fit]]\nid = "c"\npoints = 100\nwhen = {{ field = "tags", contains = {said} }}\n'
        + f'[[engagement]]\nid = "e"\nevent = {said}\npoints = 1000\ndistinct = {toml("props." + text)}\n'
        + f"where = {{ field = {toml('props.' + text)}, is = {said} }}\n"
        + f"[group.{toml(group)}]\ncap = 0.5\n[grade]\nfit = {{ {said} = 50, else = 'D' }}\n",
    )
    people: list[Row] = [
        {"person_id": "it", "title": text, "tags": [text]},
        {"person_id": "not", "title": text + "x", "tags": ["x"]},
        {"person_id": "other", "title": "x"},
    ]
    events = [
        {"event_id": text, "type": text, "occurred_at": NOW, "person_id": "it", "props": {text: text}},
        {"event_id": "2", "type": "x", "occurred_at": NOW, "person_id": "not", "props": {text: text}},
    ]
    rows = score(tmp_path, model, people=people, events=events)
    assert {name: row["total"] for name, row in rows.items()} == {"it": 1110.5, "not": 10, "other": 0}
    assert rows["it"]["fit_grade"] == text
    assert text in {row.label for row in rows["it"]["rows"]}
    assert {row.rule_id for row in rows["it"]["rows"]} == {"a", "b", "c", "e", group}
    assert lint(model)


def test_ids_that_sound_like_columns(tmp_path: Path) -> None:
    """Every rule keeps its own points, whatever the statement calls its columns inside."""
    ids = ["subject_id", "total", "fit", "scale", "x", "x.points", "points", "as_of_s", "people", "state", "rule.x"]
    events = ["events", "newest_s", "x.events", "x.newest_s", "idle_s", "match.x", "kept", "type"]
    text = HEAD + "".join(
        f'[[fit]]\nid = "{name}"\npoints = {2**n}\nwhen = {{ field = "title", is = "y" }}\n'
        for n, name in enumerate(ids)
    )
    text += "".join(
        f'[[engagement]]\nid = "{name}"\nevent = "t{n}"\npoints = {2**n}\n' for n, name in enumerate(events)
    )
    facts: list[Row] = [
        {"event_id": f"{n}", "type": f"t{n}", "occurred_at": NOW, "person_id": "p"} for n in range(len(events))
    ]
    row = score(tmp_path, loaded(tmp_path, text), people=[{"person_id": "p", "title": "y"}], events=facts)["p"]
    found = {part.rule_id: part.points for part in row["rows"]}
    assert found == {name: 2.0**n for names in (ids, events) for n, name in enumerate(names)}
    assert row["total"] == 2 ** len(ids) + 2 ** len(events) - 2


def test_long_lists_and_texts_are_held(tmp_path: Path) -> None:
    countries = [f"c{n}" for n in range(5000)]
    text = HEAD + fit(f"{{ field = 'country', in = {toml(countries)} }}")
    text += fit(f"{{ field = 'title', is = '{'y' * 500_000}' }}").replace('"a"', '"b"').replace("= 1\n", "= 10\n")
    people = [{"person_id": "p", "country": "C4999", "title": "Y" * 500_000}, {"person_id": "q", "country": "c5000"}]
    rows = score(tmp_path, loaded(tmp_path, text), people=people)
    assert {name: row["total"] for name, row in rows.items()} == {"p": 11, "q": 0}


def test_as_many_rules_as_are_allowed(tmp_path: Path) -> None:
    rows = score(tmp_path, loaded(tmp_path, many(500)), people=[{"person_id": "p", "title": "x499"}])
    assert rows["p"]["total"] == 1


def test_a_pattern_that_would_backtrack_for_ever_elsewhere(tmp_path: Path) -> None:
    people = [{"person_id": "p", "title": "a" * 50_000 + "!"}, {"person_id": "q", "title": "a" * 50_000}]
    rows = score(tmp_path, loaded(tmp_path, matching("^(a+)+$")), people=people)
    assert {name: row["total"] for name, row in rows.items()} == {"p": 0, "q": 1}


def test_a_mark_at_the_start_of_a_file_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text("\ufeff" + HEAD, encoding="utf-8")
    assert load_model(tmp_path / "m.toml").source_text == HEAD


GOOD_PATTERNS = [
    "(a+)+$",
    "x{1000}",
    "(x{30}){33}",
    "(?P<n>a)",
    "[[:alpha:]]+",
    "(?i)a|b",
    r"\bx\d{3}\s",
    r"[]\-(?]",
    "a??",
]
BAD_PATTERNS = [
    "(?=x)",
    r"(a)\1",
    "(?>a)",
    "(?#c)a",
    "(a)(?(1)b|c)",
    "a++",
    r"a\Z",
    "x{,3}",
    "(?x)a",
    "x{1001}",
    "(",
    "*",
]


@pytest.mark.parametrize("pattern", GOOD_PATTERNS + BAD_PATTERNS)
def test_patterns_are_judged_as_the_engine_judges_them(pattern: str) -> None:
    problems = list(pattern_problems(pattern))
    assert bool(problems) == (pattern in BAD_PATTERNS)
    if not problems:
        with open_engine() as engine:
            engine.execute("SELECT REGEXP_MATCHES('x', ?)", [pattern]).fetchall()
