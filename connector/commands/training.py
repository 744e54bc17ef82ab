"""The commands that learn from the past: `leadlight train`, and `leadlight discover` where there is too little."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from connector import log
from connector.commands.plain import models
from connector.engine.duckdb import open_engine
from connector.engine.plain import open_tables
from connector.errors import ConfigError
from connector.output import Output, table
from connector.reading import open_reading
from connector.settings.training import TrainSettings
from connector.trained.card import leak_lines, segment_lines
from connector.trained.consider import Considered, consider
from connector.trained.moved import named
from connector.trained.replacing import replace_file
from connector.training.discover import Compared
from connector.training.discover import discover as compare_deals
from connector.training.facts import open_facts
from connector.training.run import Asked, Beside, Result, run_training
from connector.training.snapshots import TARGETS, Target
from connector.training.store import newest_pull, past_of, stored_facts
from scoring.names import nearest
from scoring.predict.discover import LEAST_WON
from scoring.values import duration_s

REFUSED: Final = 4
_DEFAULT: Final = Path("model.json")
_DAY_S: Final = 86_400
_SHOWN: Final = 25
_ONE_OF_TWO: Final = "say on which facts: --data DIR or --config FILE, one of them"
_FIGURES: Final = ("auc", "auc_same_age", "auc_low", "log_loss", "base_log_loss", "lift_10", "lift_20", "ece")


@dataclass(frozen=True)
class TrainOptions:
    """What the command line says; null means that the configuration or the data decide.

    rules is a model of rules to be held against, model the id of the configuration's that a training is for.
    """

    target: str | None = None
    horizon: str | None = None
    holdout: float | None = None
    allow: tuple[str, ...] = ()
    as_of: datetime | None = None
    most_rows: int | None = None
    rules: str | None = None
    suggest: Path | None = None
    model: str | None = None
    segments: str | None = None
    increasing: tuple[str, ...] = ()
    decreasing: tuple[str, ...] = ()


def train(out: Output, data: Path | None, config: Path | None, output: Path | None, options: TrainOptions) -> int:
    """Train a model on plain files or a store, or say why not; exit code 4 where it was refused.

    It is written to a file; of a store, without one, it becomes the candidate there.
    """
    considered = None
    if data is not None and config is None:
        result, output = _on_files(data, options), output or _DEFAULT
    elif config is not None and data is None:
        result, considered = on_store(config, options, keep=output is None)
    else:
        raise ConfigError(_ONE_OF_TWO)
    if result.model is not None and output is not None:
        replace_file(output, result.model.as_json(), "choose another file with -o")
    if result.suggested is not None and options.suggest is not None:
        options.suggest.write_text(result.suggested, encoding="utf-8")
    told = {**result.told, "version": result.model.version if result.model else None}
    told |= {"path": str(output) if result.model and output else None}
    told |= {"considered": considered.as_dict() if considered else None}
    out.result(told, _lines(result, output, considered))
    return 0 if result.model is not None else REFUSED


def discover(out: Output, data: Path | None, config: Path | None, newest: int, as_of: datetime | None) -> None:
    """Say what won deals share against lost ones; raises ConfigError where there are no facts."""
    if data is not None and config is None:
        with open_engine() as engine:
            found = compare_deals(engine, open_facts(engine, open_tables(engine, data), as_of), newest)
    elif config is not None and data is None:
        with open_reading(config) as reading, reading.engine() as engine:
            at = as_of or newest_pull(reading)
            found = compare_deals(engine, open_facts(engine, stored_facts(reading, at), at), newest)
    else:
        raise ConfigError(_ONE_OF_TWO)
    rows = [one.as_dict() for one in found.found]
    result = {"won": found.won, "lost": found.lost, "why": found.why, "shared": rows}
    out.result(result, _shared_lines(found))


def _shared_lines(found: Compared) -> list[str | Text | Table]:
    first = f"the newest {found.won:,} people of won deals against {found.lost:,} of lost ones, before the first call"
    if found.why is not None:
        return [first, found.why]
    few = min(found.won, found.lost) < LEAST_WON
    warning = [Text(f"fewer than {LEAST_WON} on one side: take none of it for a rule", style="yellow")] if few else []
    cells = [
        (one.name, one.value, f"{one.won / one.n_won:.0%}", f"{one.lost / one.n_lost:.0%}", f"{one.difference:+.0%}",
         "{:+.0%} to {:+.0%}".format(*one.interval), "yes" if one.is_clear else "")
        for one in found.found[:_SHOWN]
    ]  # fmt: skip
    headings = ("what", "value", "won", "lost", "difference", "95 %", "clear")
    note = "one in twenty of the clear ones is chance; a share is no cause"
    return [first, *warning, table(None, headings, cells), note]


def _on_files(data: Path, options: TrainOptions) -> Result:
    rules = models(options.rules, tables=None)[0] if options.rules else None
    with open_engine() as engine:
        sources = open_tables(engine, data)
        facts = open_facts(engine, sources, options.as_of)
        return run_training(engine, facts, _asked(options, TrainSettings()), Beside(rules, sources))


def on_store(config: Path, options: TrainOptions, *, keep: bool) -> tuple[Result, Considered | None]:
    """Train on a store, whether the trained model that it scores by is there or not."""
    with open_reading(config, None) as reading:
        log.configure(reading.settings.log.level, reading.settings.log.format, reading.settings.secrets())
        of = reading.models.of("person")
        model_id = named(reading.models, options.model)
        line = next((line for line in of if line.model.id == model_id), None)
        if line is None:
            raise ConfigError(f"--model {model_id}: is no model of people ({', '.join(one.model.id for one in of)})")
        with reading.engine() as engine:
            as_of = options.as_of or newest_pull(reading)
            rules = models(options.rules, tables=None)[0] if options.rules else line.model
            sources = stored_facts(reading, as_of)
            facts = open_facts(engine, sources, as_of, past_of(reading, config))
            beside = Beside(rules, sources)
            result = run_training(engine, facts, _asked(options, reading.settings.train), beside)
        if result.model is None or not keep:
            return result, None
        log.configure(reading.settings.log.level, reading.settings.log.format, reading.settings.secrets())
        return result, consider(config, reading, model_id, result.model)


def _asked(options: TrainOptions, settings: TrainSettings) -> Asked:
    return Asked(
        target=_target(options.target) if options.target else settings.target,
        horizon_days=_days(options.horizon) or settings.horizon_days,
        holdout=options.holdout or settings.holdout,
        allowed=(*options.allow, *settings.allow),
        most_rows=options.most_rows or settings.max_rows,
        suggest=options.suggest is not None,
        segments=options.segments or settings.segments,
        increasing=(*options.increasing, *settings.increasing),
        decreasing=(*options.decreasing, *settings.decreasing),
    )


def _target(name: str) -> Target:
    for target in TARGETS:
        if target == name:
            return target
    raise ConfigError(f"--target {name}: one of {', '.join(TARGETS)} is needed{nearest(name, TARGETS)}")


def _days(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        seconds = duration_s(text)
    except ValueError as error:
        raise ConfigError(f"--horizon: {error}") from None
    if seconds < _DAY_S or seconds % _DAY_S:
        raise ConfigError(f"--horizon {text}: whole days are needed, such as 90d")
    return seconds // _DAY_S


def _lines(result: Result, output: Path | None, considered: Considered | None) -> list[str | Text | Table]:
    told = result.told
    model = result.model
    if model is not None:
        where = output or "candidate"
        first = Text.assemble(("published ", "bold green"), f"{where}, version {model.version}, by {told['method']}")
    else:
        first = Text("refused: no model was written", style="bold red")
    lines: list[str | Text | Table] = [first]
    lines += [Text(f"  {why}") for why in told["refused_because"]]
    lines += _considered_lines(considered) if considered else []
    lines.append(
        f"{told['target']} within {told['horizon_days']} days, as of {told['as_of']}: {told['leads']:,} leads, "
        f"{told['conversions']:,} converted, {told['rows']:,} rows"
    )
    if told["holdout"]:
        lines.append(_figures(told))
    lines += [Text(f"warning {text}", style="yellow") for text in told["warnings"]]
    if found := told.get("suggested"):
        lifts = f"{found['lift_20'] or 0:.2f} times as often by points, {found['model_lift_20'] or 0:.2f} by the model"
        lines.append(f"suggested {found['criteria']} criteria: the best fifth converts {lifts}")
    if parts := told.get("segments"):
        lines += segment_lines(parts)
    if told["blocked_features"]:
        cells = [(one["name"], one["action"], one["why"]) for one in told["blocked_features"]]
        lines.append(table("left out", ("field", "", "why"), cells))
    lines += leak_lines(told["auc_without_blocked"], told["auc_with_blocked"])
    return lines


def _considered_lines(found: Considered) -> list[str | Text | Table]:
    """Say what became of a model that was kept, and what is next."""
    if found.state == "in_use":
        moved = f": {len(found.moves.moves):,} of {found.moves.compared:,} move band" if found.moves else " already"
        return [Text(f"  it is in use for model {found.model_id}{moved}")]
    whys = [Text(f"  it waits: {why}") for why in found.why]
    return [*whys, f"  see whom it moves, and put it in use: leadlight model use {found.version}"]


def _figures(told: Mapping[str, Any]) -> Table:
    rows = [("chosen", told["holdout"]), ("challenger", told["challenger"])]
    cells = [(name, one["method"], *(_shown(one[key]) for key in _FIGURES)) for name, one in rows if one]
    n, won = told["holdout"]["n"], told["holdout"]["conversions"]
    return table(f"on the newest {n:,} rows, {won:,} of them converted", ("", "by", *_FIGURES), cells)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
