"""A loop that scores by a trained model made by hand, and another version of it."""

import json
from datetime import UTC, datetime
from typing import Any

from typer.testing import CliRunner

from connector.cli import app
from connector.store import versions
from connector.store.state import open_state
from scoring.predict.artefact import TableModel, versioned
from tests.loop.loops import MODEL, Loop
from tests.predict.trained import bins, raw_model

RANK = {"id": "rank", "label": "seniority", "kind": "attribute", "role": "categorical", "field": "seniority"}
LEVELS = ["c_level", "director"]
HOLDOUT = {"auc_same_age": 0.7, "log_loss": 0.27, "base_log_loss": 0.3, "lift_20": 2.0, "n": 900, "conversions": 90}
PREDICTIVE = 'scale = { min = 0, max = 100 }\n[combine]\nkind = "predictive"\nmodel = "models/table.json"\n'


def trained(*log_odds: float, **more: object) -> TableModel:
    """Make a version by what it gives the unknown, chiefs, directors and all others."""
    term = {"feature": RANK, "levels": LEVELS, "bins": bins(*log_odds)}
    raw = {**raw_model(), "intercept": 0.0, "terms": [term], "lo": -2.0, "hi": 2.0, "card": {"holdout": HOLDOUT}}
    return versioned(TableModel.model_validate_json(json.dumps(raw | more)))


OLD = trained(0.0, 1.0, 0.2, -1.0)  # chiefs hot, directors hot, clerks warm
NEW = trained(0.0, 1.6, -0.8, -1.8)  # chiefs hot, directors warm, clerks cold


def score_by(loop: Loop, table: TableModel) -> None:
    """Let a loop score by a trained model, with limits that a world of 24 people can pass."""
    (loop.folder / "models").mkdir(exist_ok=True)
    (loop.folder / "models" / "table.json").write_text(table.as_json(), encoding="utf-8")
    write_model(loop, PREDICTIVE)
    text = loop.config.read_text("utf-8").replace("max_changed_share = 0.5", "max_changed_share = 0.1")
    loop.config.write_text(text + "min_population = 10\nmax_owner_share = 1.0\nmax_task_share = 1.0\n", "utf-8")


def write_model(loop: Loop, combine: str) -> None:
    """Write the model file with these lines after its id."""
    (loop.folder / "model.toml").write_text(MODEL.replace('id = "titles"\n', f'id = "titles"\n{combine}'), "utf-8")


def keep(loop: Loop, table: TableModel) -> None:
    """Let a version wait, as training does."""
    state = open_state(loop.folder / "leadlight-store")
    versions.keep(state, "titles", table, made_at=datetime.now(UTC), by=versions.BY_TRAINING)
    state.close()


def states(loop: Loop) -> dict[str, str]:
    """Tell how each version stands."""
    state = open_state(loop.folder / "leadlight-store")
    found: dict[str, str] = {one.version: one.state for one in versions.kept(state, "titles")}
    state.close()
    return found


def in_file(loop: Loop) -> str:
    """Name the version that the model's file holds."""
    told = json.loads((loop.folder / "models" / "table.json").read_text("utf-8"))
    return str(told["version"])


def ask(loop: Loop, *words: str) -> dict[str, Any]:
    """Run a command with --json."""
    done = CliRunner().invoke(app, [*words, "--config", str(loop.config), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told
