"""`make examples`: every worked example beside the tests and inside the presets, expected and got."""

import sys
from pathlib import Path

from rich.console import Console

from connector.commands.modelling import examples_table
from connector.engine.duckdb import open_engine
from connector.engine.examples import Outcome, run_examples
from scoring.model import load_model, load_people_model

PLACES = (Path(__file__).with_name("examples"), Path(__file__).resolve().parents[2] / "scoring" / "presets")


def main() -> int:
    """Print the table; the exit code is 1 where an example differs."""
    outcomes: list[tuple[str, Outcome]] = []
    with open_engine() as engine:
        for file in (file for place in PLACES for file in sorted(place.glob("*.toml"))):
            model = load_model(file)
            found = run_examples(engine, model, load_people_model(model), model.spec.test)
            outcomes += [(model.id, outcome) for outcome in found]
    console = Console(width=200) if not sys.stdout.isatty() else Console()
    console.print(examples_table(outcomes))
    wrong = [outcome for _, outcome in outcomes if not outcome.passed]
    console.print(f"{len(outcomes)} examples, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
