"""Which tests say that they show a row: read from their source, so that nothing has to be imported or run."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"


@dataclass(frozen=True, order=True)
class Test:
    """Name a test function; file is relative to the repository."""

    __test__ = False

    file: str
    name: str

    @property
    def node(self) -> str:
        """Give the test as pytest names it, without parameters."""
        return f"{self.file}::{self.name}"

    @property
    def sentence(self) -> str:
        """Give the test's name as people read it."""
        return self.name.removeprefix("test_").replace("_", " ")


def marked(mark: str = "fault", root: Path = TESTS) -> dict[str, list[Test]]:
    """Give the tests of each row, in the order of files and lines; raises ValueError for a mark without a row."""
    found: dict[str, list[Test]] = {}
    for path in sorted(root.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if f"mark.{mark}(" not in text:
            continue
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef):
                test = Test(str(path.relative_to(ROOT)), function.name)
                for row in rows_of(function, test, mark):
                    found.setdefault(row, []).append(test)
    return found


def rows_of(function: ast.FunctionDef, test: Test, mark: str) -> Iterator[str]:
    """Read the rows that a test's decorators name."""
    for decorator in function.decorator_list:
        if not (isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == f"pytest.mark.{mark}"):
            continue
        names = [arg.value for arg in decorator.args if isinstance(arg, ast.Constant)]
        if not names or len(names) != len(decorator.args) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{test.node}: name rows as texts, such as @pytest.mark.{mark}('F3')")
        yield from (str(name) for name in names)
