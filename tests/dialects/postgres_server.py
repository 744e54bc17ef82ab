"""A PostgreSQL server of one's own, thrown away afterwards, and statements run on it by psql."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pyarrow as pa

from scoring.compile import Statement
from scoring.schema import ColumnType
from tests.dialects.cases import column_types

Row = dict[str, Any]
TYPES: Mapping[ColumnType, str] = {
    "text": "text",
    "number": "double precision",
    "boolean": "boolean",
    "datetime": "timestamptz",
    "list": "text[]",
    "map": "jsonb",
}
TIMES = ("as_of", "first_at", "last_at")


def binaries() -> Path | None:
    """Find the newest server's programs; null where there are none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    return max(found, key=lambda path: int(path.parent.name)) if found else Path(on_path).parent if on_path else None


@dataclass(frozen=True)
class Server:
    """A running server: its programs, its folder and who runs it."""

    programs: Path
    folder: Path
    user: str | None

    def run(self, statement: Statement, tables: Mapping[str, pa.Table]) -> tuple[list[Row], list[Row]]:
        """Load tables into a session, run a statement there; gives its scores and contributions."""
        outputs = [
            f"\\o '{self.folder}/{name}'\nSELECT row_to_json(output) FROM ({text}) AS output;\n"
            for name, text in (("scores", statement.scores), ("contributions", statement.contributions))
        ]
        loads = [_load(name, table) for name, table in tables.items()]
        script = "\n".join([*loads, *(f"{text};" for text in statement.prepare), *outputs])
        psql: list[str | Path] = [
            self.programs / "psql",
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            self.folder,
            "-d",
            "postgres",
        ]
        done = self.call([*psql, "-f", "-"], script)
        if done.returncode:
            raise AssertionError(done.stderr[:4000])
        return _rows(self.folder / "scores"), _rows(self.folder / "contributions")

    def call(self, command: list[str | Path], script: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program as the one who runs the server."""
        environment = {"PATH": os.environ["PATH"], "PGUSER": "tester", "PGTZ": "America/New_York", "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            command, input=script, text=True, capture_output=True, check=False, user=self.user, env=environment, cwd="/"
        )


@contextmanager
def server(programs: Path, *locale: str) -> Iterator[Server]:
    """Start a server that listens on a socket in its own folder alone, and remove it at the end."""
    # PostgreSQL refuses to run as root, and a socket's path must be short.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(mkdtemp(prefix="pg_"))
    if user:
        shutil.chown(folder, user)
    one = Server(programs, folder, user)
    data = folder / "data"
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c jit=off"
    try:
        initial = ["--auth=trust", "--username=tester", "--encoding=UTF8", "--no-sync", *locale]
        made = one.call([programs / "initdb", "-D", data, *initial])
        started = one.call([programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"])
        if made.returncode or started.returncode:
            raise AssertionError(made.stderr + started.stdout)
        yield one
    finally:
        one.call([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"])
        shutil.rmtree(folder)


def _load(name: str, table: pa.Table) -> str:
    kinds = column_types({name: table})[name]
    columns = ", ".join(f'"{column}" {TYPES[kind]}' for column, kind in kinds.items())
    lines = ["\t".join(_cell(row[column], kind) for column, kind in kinds.items()) for row in table.to_pylist()]
    return "\n".join([f"CREATE TEMPORARY TABLE {name} ({columns});", f"COPY {name} FROM STDIN;", *lines, "\\.", ""])


def _cell(value: Any, kind: ColumnType) -> str:  # noqa: ANN401 - a cell of any type
    if value is None:
        return "\\N"
    if isinstance(value, list):
        value = json.dumps(dict(value)) if kind == "map" else f"{{{','.join(map(_element, value))}}}"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return text


def _element(value: str | None) -> str:
    if value is None:
        return "NULL"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rows(path: Path) -> list[Row]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{name: _value(name, value) for name, value in row.items()} for row in rows]


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - a cell of any type
    return datetime.fromisoformat(value) if name in TIMES and value is not None else value
