"""Who changes band when one version of a trained model takes another's place, over what a store holds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from connector.engine.difference import Move, Moves, moves
from connector.errors import ConfigError
from connector.inputs import STATEMENTS, sources
from connector.loading import load_parts
from connector.models import Line, Models
from connector.reading import Reading
from scoring.explain import iso
from scoring.model import AS_NAMED, table_path
from scoring.names import nearest
from scoring.predict.artefact import TableModel


@dataclass(frozen=True)
class Change:
    """Hold a configuration's models as they are, and as they would be with another version of one of them.

    Where there is no file of a version in use, `before` has the rules alone; `unread` says why one cannot be read.
    """

    before: Models
    after: Models
    model_id: str
    unread: tuple[str, ...] = ()

    @property
    def old(self) -> Line:
        """Give the model as it is."""
        return _line(self.before, self.model_id)

    @property
    def is_none(self) -> bool:
        """Tell whether the version is the one that it is held against."""
        old, new = self.old.model.table, self.new.model.table
        return old is not None and new is not None and old.version == new.version

    @property
    def new(self) -> Line:
        """Give the model as it would be."""
        return _line(self.after, self.model_id)


def change_of(config: Path, model_id: str, table: TableModel, instead_of: TableModel | None = None) -> Change:
    """Read a configuration with another trained model; raises ConfigError where that one cannot be part of it.

    instead_of is what it is held against; null for what the file has.
    """
    _, after, _ = load_parts(config, {model_id: table})
    line = _line(after, model_id)
    if line.model.table is None:
        raise ConfigError(
            f'{line.model.file}: names no trained model: add kind = "blend" (or "rank", "predictive") and '
            f'model = "models/{model_id}.json" to [combine]'
        )
    try:
        _, before, _ = load_parts(config, {model_id: instead_of} if instead_of else AS_NAMED)
    except ConfigError as error:
        _, before, _ = load_parts(config, None)
        path = table_path(line.model)
        return Change(before, after, model_id, error.problems if path is not None and path.exists() else ())
    return Change(before, after, model_id)


def moves_by(engine: duckdb.DuckDBPyConnection, reading: Reading, change: Change, as_of: datetime) -> Moves:
    """Score everybody by both and tell who changes band; nobody where the store has none."""
    old, new = change.old, change.new
    if reading.lake.relation("people" if new.role == "person" else "accounts") is None:
        return Moves(iso(as_of) or "", 0, ())
    facts = sources(reading.lake, reading.state, reading.settings, as_of, new)
    pairs = (old.model, old.rolled), (new.model, new.rolled)
    return moves(engine, *pairs, facts, as_of, reading.folder / STATEMENTS)


def moves_share(found: Moves) -> float:
    """Give the share of those compared who change band, 0..1."""
    return len(found.moves) / found.compared if found.compared else 0.0


def named(models: Models, model_id: str | None) -> str:
    """Choose whose versions are meant: those of this model, else of the first one of people that has a trained model.

    Raises ConfigError for a model that the configuration does not have.
    """
    known = {model.id: model for model in models.known()}
    if model_id is not None and model_id not in known:
        raise ConfigError(
            f"--model {model_id}: this configuration has {', '.join(known)}{nearest(model_id, list(known))}"
        )
    trained = [line.model.id for line in models.of("person") if line.model.spec.combine.model is not None]
    return model_id or next(iter(trained), models.people.id)


def counts(found: Sequence[Move]) -> list[dict[str, object]]:
    """Count moves by the bands that they go between, most first."""
    ways = Counter((move.before, move.after) for move in found)
    return [{"from": old, "to": new, "n": n} for (old, new), n in sorted(ways.items(), key=lambda way: (-way[1], way))]


def _line(models: Models, model_id: str) -> Line:
    found = next((line for line in models.lines if line.model.id == model_id), None)
    if found is None:
        known = [line.model.id for line in models.lines]
        raise ConfigError(f"{model_id}: no [[model]] has this id ({', '.join(known)}){nearest(model_id, known)}")
    return found
