"""Commands on a model alone: what is wrong with it, whether its examples hold, what a change of it would move."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from connector.commands.plain import models
from connector.engine.difference import Moves, Pair, moves
from connector.engine.duckdb import open_engine
from connector.engine.examples import Outcome, run_examples
from connector.engine.plain import open_tables
from connector.engine.survey import survey, unheard_of
from connector.errors import ConfigError
from connector.inputs import sources
from connector.models import Line
from connector.output import Output, table
from connector.reading import open_reading
from scoring.example_files import examples_beside
from scoring.lint import Finding, lint

USAGE = 2
FAILED = 1
_SHOWN = 50


def check(out: Output, file: str, data: Path | None, as_of: datetime | None) -> int:
    """Tell every error of a model, and what is allowed and probably not meant; exit code 2 where there is an error."""
    try:
        model, people = models(file)
        _, problems = examples_beside(model.file)
        errors = [*problems]
        findings = list(lint(model))
        if data is None:
            findings += unheard_of(model)
        else:
            with open_engine() as engine:
                seen = survey(engine, model, people, open_tables(engine, data), as_of)
            errors += seen.problems
            findings += seen.findings
    except ConfigError as error:
        errors, findings = list(error.problems), []
    errors += [f"{file}: {finding.where}: {finding.message}" for finding in findings if finding.level == "error"]
    warnings = [finding for finding in findings if finding.level == "warning"]
    lines = [Text.assemble(("error   ", "bold red"), problem) for problem in errors]
    lines += [_line(finding) for finding in warnings]
    result = {"ok": not errors, "file": file, "errors": errors, "warnings": [one.as_json() for one in warnings]}
    out.result(result, lines or [Text("nothing to say", style="green")])
    return USAGE if errors else 0


def _line(finding: Finding) -> Text:
    return Text.assemble(("warning ", "yellow"), f"{finding.where}: {finding.message}")


def test(out: Output, file: str) -> int:
    """Run the worked examples inside and beside a model file; exit code 1 where one differs."""
    model, people = models(file)
    beside, problems = examples_beside(model.file)
    if problems:
        raise ConfigError(problems)
    examples = (*model.spec.test, *beside)
    if not examples:
        raise ConfigError(f"{file}: has no [[test]]; give facts and what they must score")
    with open_engine() as engine:
        outcomes = run_examples(engine, model, people, examples)
    failed = sum(not outcome.passed for outcome in outcomes)
    rows = [
        {
            "name": one.name,
            "expected": one.expected,
            "got": one.got,
            "passed": one.passed,
            "differences": list(one.differences),
        }
        for one in outcomes
    ]
    result = {"ok": not failed, "file": file, "passed": len(outcomes) - failed, "failed": failed, "tests": rows}
    differences = [Text(f"{one.name}: {line}", style="red") for one in outcomes for line in one.differences]
    counted = Text(f"{model.id}: {len(outcomes) - failed} of {len(outcomes)} as expected")
    out.result(result, [examples_table([(model.id, one) for one in outcomes]), *differences, counted])
    return FAILED if failed else 0


def examples_table(outcomes: Sequence[tuple[str, Outcome]]) -> Table:
    """Lay out the examples of one or several models, each with its model's id."""
    marks = {True: Text("ok", style="green"), False: Text("wrong", style="bold red")}
    cells = [(name, one.name, one.expected, one.got, marks[one.passed]) for name, one in outcomes]
    return table(None, ("model", "example", "expected", "got", ""), cells)


def diff(out: Output, before: str, after: str, data: Path | None, config: Path | None, as_of: datetime | None) -> None:
    """Say who would change band between two models over the same facts, and which rules did it.

    The facts are plain files, or what a store holds as of its last run. Raises ConfigError.
    """
    if data is not None and config is None:
        with open_engine() as engine:
            found = moves(engine, *_pairs(before, after, ()), open_tables(engine, data), as_of)
    elif config is not None and data is None:
        found = _store_moves(config, before, after, as_of)
    else:
        raise ConfigError("say over which facts: --data DIR or --config FILE, one of them")
    _tell_moves(out, found)


def _store_moves(config: Path, before: str, after: str, as_of: datetime | None) -> Moves:
    """Compare two models over a store; the band that people are in now is what its own or the replaced model gave."""
    with open_reading(config) as reading, reading.engine() as engine:
        at = as_of or reading.scored_at()
        old, new = _pairs(before, after, reading.models.of("person"))
        lines = reading.models.of(new[0].spec.model.subject)
        named = [line for side in (new, old) for line in lines if line.model.id == side[0].id]
        seen = (named or lines or [Line(new[0])])[0]
        return moves(engine, old, new, sources(reading.lake, reading.state, reading.settings, at, seen), at)


def _pairs(before: str, after: str, people: Sequence[Line]) -> tuple[Pair, Pair]:
    """Read the two models; raises ConfigError where one scores people and the other accounts."""
    old, new = models(before, people), models(after, people)
    about = [side[0].spec.model.subject for side in (old, new)]
    if about[0] != about[1]:
        raise ConfigError(f"{before} scores by {about[0]}, {after} by {about[1]}; compare two of a kind")
    return old, new


def _tell_moves(out: Output, found: Moves) -> None:
    moved: list[dict[str, Any]] = [move.as_json() for move in found.moves]
    counts = [
        {"from": old, "to": new, "n": n} for (old, new), n in sorted(found.counts.items(), key=lambda pair: -pair[1])
    ]
    result = {
        "as_of": found.as_of,
        "compared": found.compared,
        "changed": len(moved),
        "moved": counts,
        "subjects": moved,
    }
    lines: list[Text] = [Text(f"{found.compared:,} compared, {len(moved):,} change band")]
    lines += [Text(f"  {row['n']:,} from {row['from']} to {row['to']}") for row in counts]
    cells = [[m["subject_id"], m["from"], m["to"], f"{m['change']:+.1f}", m["why"]] for m in moved[:_SHOWN]]
    shown = [table(None, ("who", "from", "to", "points", "why"), cells)] if moved else []
    more = [Text(f"... and {len(moved) - _SHOWN:,} more, see --json")] if len(moved) > _SHOWN else []
    out.result(result, [*lines, *shown, *more])
