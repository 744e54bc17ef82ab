"""The command that says whether a trained model still fits: `leadlight drift`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from connector.errors import ConfigError
from connector.models import Models
from connector.output import Output
from connector.reading import open_reading
from connector.training import drift_told
from connector.training.drift import measure
from connector.training.facts import open_facts
from connector.training.store import newest_pull, past_of, stored_facts
from scoring.model import ModelError, load_model
from scoring.predict.artefact import TableError, TableModel, read_table

ALARM: Final = 1
_ONE_OF_TWO: Final = "say which model on which facts: --config FILE, or --data DIR with --model FILE"
_NONE: Final = (
    'no model of this configuration is trained: `leadlight train` makes one, and [combine] model = "FILE" names it'
)


def tell(out: Output, config: Path | None, data: Path | None, model: Path | None, as_of: datetime | None) -> int:
    """Say whether trained models still fit; exit code 1 where one does not."""
    if config is not None and data is None and model is None:
        found = on_store(config, as_of)
    elif config is None and data is not None and model is not None:
        found = [_on_files(data, model, as_of)]
    else:
        raise ConfigError(_ONE_OF_TWO)
    alarmed = any(one["alarms"] for one in found)
    out.result({"ok": not alarmed, "models": found}, list(_lines(found, config)))
    return ALARM if alarmed else 0


def on_store(config: Path, as_of: datetime | None) -> list[dict[str, Any]]:
    """Measure every trained model of a configuration; what holds for now is kept for `status`."""
    found = []
    with open_reading(config) as reading:
        at = as_of or newest_pull(reading)
        for model_id, table in trained(reading.models).items():
            with reading.engine() as engine:
                facts = open_facts(engine, stored_facts(reading, at), at, past_of(reading, config))
                measured = measure(engine, facts, table)
                found.append(drift_told.as_dict(model_id, measured, facts))
            if as_of is None:
                drift_told.keep(reading.state, found[-1])
    return found


def trained(models: Models) -> dict[str, TableModel]:
    """Give the trained models of a configuration by the id of the model that names each; those of people alone."""
    return {
        line.model.id: line.model.table
        for line in models.of("person")
        if line.model.table is not None and line.model.table.subject == "person"
    }


def _on_files(data: Path, model: Path, as_of: datetime | None) -> dict[str, Any]:
    name, table = _table(model)
    with open_engine() as engine:
        facts = open_facts(engine, open_tables(engine, data), as_of)
        return drift_told.as_dict(name, measure(engine, facts, table), facts)


def _table(model: Path) -> tuple[str, TableModel]:
    """Read a trained model, or the one that a model file names."""
    try:
        if model.suffix == ".toml":
            loaded = load_model(model)
            if loaded.table is None:
                raise ConfigError(f'{model}: names no trained model: give one, such as [combine] model = "model.json"')
            return loaded.id, loaded.table
        return model.stem, read_table(model.read_bytes())
    except OSError as error:
        raise ConfigError(f"{model}: cannot be read ({error.strerror})") from None
    except TableError as error:
        raise ConfigError([f"{model}: {problem}" for problem in error.problems]) from None
    except ModelError as error:
        raise ConfigError(error.problems) from None


def _lines(found: Sequence[Mapping[str, Any]], config: Path | None) -> Iterator[str | Text]:
    for one in found:
        for line in drift_told.lines(one):
            yield Text(line, style="bold red" if line.startswith("  alarm") else "")
    if not found:
        yield _NONE
    elif any(one["alarms"] for one in found):
        where = f"--config {config}" if config else "--data DIR"
        yield f"next: leadlight train {where}; it says whether a new version is better, and changes nothing by itself"
