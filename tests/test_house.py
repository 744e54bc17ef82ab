"""The house's budget: small functions, small files, a docstring on every public name of the shared rooms."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("connector", "mappings", "scoring")
WORKSHOPS = ("tests", "benchmarks")
DOCUMENTED = ("scoring", "mappings", "connector/crm/base.py")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(rooms: tuple[str, ...] = ROOMS) -> list[Path]:
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def length(function: Function) -> int:
    """Count a function's lines without its docstring."""
    docstring = function.body[0] if ast.get_docstring(function) else None
    spent = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - spent


def test_functions_are_small() -> None:
    lengths = {
        f"{path.relative_to(ROOT)}:{f.lineno} {f.name}": length(f) for path in sources() for f in functions(path)
    }
    assert median(lengths.values()) <= 10
    assert quantiles(lengths.values(), n=20)[-1] <= 40
    assert {name: lines for name, lines in lengths.items() if lines > 60} == {}


def test_files_are_small() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {name: n for name, n in lines.items() if n > 400} == {}
    assert median(lines.values()) <= 150


def test_files_of_tests_and_benchmarks_are_small() -> None:
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in sources(WORKSHOPS)
    }
    assert {name: n for name, n in lines.items() if n > 400} == {}


def public(tree: ast.Module) -> Iterator[Function | ast.ClassDef]:
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (n for n in node.body if isinstance(n, Function) and not n.name.startswith("_"))


@pytest.mark.parametrize("room", DOCUMENTED)
def test_public_names_say_what_they_do(room: str) -> None:
    place = ROOT / room
    paths = [place] if place.is_file() else sorted(place.rglob("*.py"))
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in paths
        for node in public(ast.parse(path.read_text(encoding="utf-8")))
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(p.relative_to(ROOT)) for p in sources() if not ast.get_docstring(ast.parse(p.read_text("utf-8")))]
    assert silent == []
