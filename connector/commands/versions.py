"""The commands on the versions of a trained model: list them, read their cards, put one in use, take one out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from connector import log
from connector.compose import open_job
from connector.engine.difference import Moves
from connector.errors import AuthError, ConfigError, QuotaExhausted, RetryableError
from connector.output import Output, table
from connector.plan import MODEL_CHANGED, Plan
from connector.reading import Reading, open_reading
from connector.store import versions
from connector.store.lock import hold
from connector.store.versions import Version
from connector.trained.card import lines_of
from connector.trained.moved import Change, change_of, counts, moves_by, moves_share, named
from connector.trained.preview import preview
from connector.trained.replacing import replace_file
from connector.trained.standing import Standing, version_row
from connector.trained.switch import Word, is_applied, switch
from connector.training.store import newest_pull

PREVIOUS = "previous"
_SHOWN = 25
_UNREACHABLE = (AuthError, RetryableError, QuotaExhausted)


def versions_list(out: Output, config: Path, model: str | None) -> None:
    """List the versions of a trained model, the newest first, and how the one in use changed."""
    with open_reading(config, None) as reading:
        model_id = named(reading.models, model)
        found = versions.kept(reading.state, model_id)
        switches = versions.switches(reading.state, model_id)
    rows = [version_row(one) for one in found]
    changes = [{"version": s.version, "before": s.before, "at": s.at, "by": s.by, "note": s.note} for s in switches]
    cells = [[_cell(value) for value in _columns(one)] for one in found]
    headings = ("version", "state", "made", "in use since", "by", "AUC", "best fifth", "log loss", "rows", "converted")
    none = f"model {model_id} has no trained version yet: leadlight train --config {config}"
    lines: list[str | Text | Table] = [table(f"model {model_id}", headings, cells) if found else none]
    lines += [Text(f"{s.at:%d %b %Y %H:%M} {s.before or 'none'} -> {s.version} by {s.by} {s.note}") for s in switches]
    out.result({"model": model_id, "versions": rows, "switches": changes}, lines)


def card(out: Output, config: Path, version: str | None, model: str | None) -> None:
    """Tell what a version learned from and how it was judged; without a name, that of the version in use."""
    with open_reading(config, None) as reading:
        found = _version(reading, named(reading.models, model), version)
        table_model = versions.artefact(reading.state, found.model_id, found.version)
    whole = table_model.model_dump(mode="json", by_alias=True)
    out.result({"model": found.model_id, **version_row(found), "artefact": whole}, lines_of(found, table_model))


def export(out: Output, config: Path, version: str, model: str | None, output: Path) -> None:
    """Write a kept version to a file, as it was trained."""
    with open_reading(config, None) as reading:
        found = _version(reading, named(reading.models, model), version)
        text = versions.artefact(reading.state, found.model_id, found.version).as_json()
    replace_file(output, text, "choose another file")
    done = f"version {found.version} of {found.model_id} is in {output}"
    out.result({"model": found.model_id, "version": found.version, "path": str(output)}, [done])


def use(out: Output, config: Path, version: str, model: str | None, *, yes: bool) -> None:
    """Show whom another version would move and what would be written; with `yes`, put it in use."""
    with open_reading(config, None) as reading:
        log.configure(reading.settings.log.level, reading.settings.log.format, reading.settings.secrets())
        model_id = named(reading.models, model)
        wanted = _version(reading, model_id, version)
        change = _change(config, reading, wanted)
        seen = _seen(config, reading, change)
        done = wanted.state == "in_use" and change.is_none
        if yes and not done:
            with hold(reading.folder):
                switch(reading.state, change.old.model, change.new.model, _word(reading, change, seen))
    lines = [*_headline(change, wanted, done=done), *_seen_lines(seen)]
    if done or yes:
        lines.append(Text(f"version {wanted.version} is in use; the next sync writes by it", style="bold green"))
    else:
        told = f"nothing was changed. Next: leadlight model use {wanted.version} --yes"
        lines.append(told if model is None else f"{told} --model {model_id}")
    before = change.old.model.table
    data = {"model": model_id, "version": wanted.version, "before": before.version if before else None}
    out.result(data | {"in_use": yes or done} | seen.as_dict(), lines)


def _change(config: Path, reading: Reading, wanted: Version) -> Change:
    """Hold a version against the one in its file; where that is it already, against the one that is noted as in use."""
    table_model = versions.artefact(reading.state, wanted.model_id, wanted.version)
    change = change_of(config, wanted.model_id, table_model)
    noted = versions.in_use(reading.state, wanted.model_id)
    if not change.is_none or noted is None or noted.version == wanted.version:
        return change
    return change_of(
        config, wanted.model_id, table_model, versions.artefact(reading.state, wanted.model_id, noted.version)
    )


def _word(reading: Reading, change: Change, seen: "_Seen") -> Word:
    """Say what was shown: all that the next plan changes, where that is known."""
    found = seen.moves
    shown = max(moves_share(found), seen.changed_share or 0.0)
    is_all = seen.plan is not None or is_applied(reading.state, change.old.model)
    note = f"{len(found.moves):,} of {found.compared:,} move band"
    return Word(versions.BY_PERSON, note, shown if is_all else None)


@dataclass(frozen=True)
class _Seen:
    """What another version would do: whom it moves, and the plan by it; null where the CRM did not answer, with why."""

    moves: Moves
    plan: Plan | None
    unasked: str | None
    model_id: str

    @property
    def changed_share(self) -> float | None:
        """Give the share of people whose band is not what they saw last; null where it was not measured."""
        names = ("changed_bands", f"changed_bands@{self.model_id}")
        found = [guard.measured for guard in self.plan.guards if guard.name in names] if self.plan else []
        return max(found, default=None)

    @property
    def stops_at(self) -> list[str]:
        """Tell what would stop the next sync though the version is accepted."""
        guards = [guard for guard in self.plan.guards if guard.tripped] if self.plan else []
        return [str(guard) for guard in guards if not guard.name.startswith((MODEL_CHANGED, "changed_bands"))]

    def as_dict(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "as_of": self.moves.as_of,
            "compared": self.moves.compared,
            "changed": len(self.moves.moves),
            "moved": counts(self.moves.moves),
            "subjects": [move.as_json() for move in self.moves.moves],
            "plan": plan.counts() if plan else None,
            "changed_share": self.changed_share,
            "stops_at": self.stops_at,
            "not_asked": self.unasked,
        }


def _seen(config: Path, reading: Reading, change: Change) -> _Seen:
    """Look at the change as of now by the CRM's clock; where it does not answer, as of the newest facts."""
    new = change.new.model
    try:
        with open_job(config, writer=False, tables={new.id: new.table} if new.table else {}) as job:
            at = job.connection.server_time_at.replace(microsecond=0)
            found = _moves(reading, change, at)
            plan = preview(job, change.after, at) if job.lake.relation("people") is not None else None
            return _Seen(found, plan, None, change.model_id)
    except _UNREACHABLE as error:
        why = f"the CRM could not be asked ({error.message}), so what a plan would write is not known"
        return _Seen(_moves(reading, change, _newest(reading)), None, why, change.model_id)


def _newest(reading: Reading) -> datetime:
    try:
        return reading.scored_at()
    except ConfigError:
        return newest_pull(reading)


def _moves(reading: Reading, change: Change, at: datetime) -> Moves:
    with reading.engine() as engine:
        return moves_by(engine, reading, change, at)


def _version(reading: Reading, model_id: str, version: str | None) -> Version:
    """Find a kept version by its name, the beginning of it, or `previous`; without one, the version in use."""
    kept = versions.kept(reading.state, model_id)
    if not kept:
        raise ConfigError(f"model {model_id} has no trained version yet: leadlight train --config FILE makes one")
    if version is None:
        return next((one for one in kept if one.state == "in_use"), kept[0])
    if version == PREVIOUS:
        newest = next(iter(versions.switches(reading.state, model_id)), None)
        if newest is None or newest.before is None:
            raise ConfigError(f"model {model_id}: no version was in use before: see `leadlight model versions`")
        version = newest.before
    found = [one for one in kept if one.version.startswith(version)]
    if len(found) != 1:
        said = "is not kept" if not found else "is the beginning of several"
        raise ConfigError(f"model {model_id}: version {version} {said} ({', '.join(one.version for one in kept[:10])})")
    return found[0]


def _headline(change: Change, wanted: Version, *, done: bool) -> list[str | Text | Table]:
    table_before = change.old.model.table
    before = f"version {table_before.version}" if table_before else "no trained model: the rules alone"
    standing = Standing(change.new.model, None, None, wanted.made_at)
    warnings = [*change.unread, *standing.warnings()]
    lines: list[str | Text | Table] = [Text(f"warning: {why}", style="yellow") for why in warnings]
    if done:
        return [*lines, f"model {change.model_id}: version {wanted.version} is the one in use"]
    return [*lines, f"model {change.model_id}: version {wanted.version} in place of {before}"]


def _seen_lines(seen: _Seen) -> Iterator[str | Text | Table]:
    found = seen.moves
    share = f"{len(found.moves):,} change band ({moves_share(found):.1%})"
    yield f"{found.compared:,} compared as of {found.as_of}, {share}"
    yield from (f"  {way['n']:,} from {way['from']} to {way['to']}" for way in counts(found.moves))
    moved = [move.as_json() for move in found.moves[:_SHOWN]]
    if moved:
        cells = [[m["subject_id"], m["from"], m["to"], f"{m['change']:+.1f}", m["why"]] for m in moved]
        yield table(None, ("who", "from", "to", "points", "why"), cells)
    if len(found.moves) > _SHOWN:
        yield f"... and {len(found.moves) - _SHOWN:,} more, see --json"
    if seen.unasked:
        yield Text(f"warning: {seen.unasked}", style="yellow")
    if seen.plan:
        yield _plan_line(seen)
        yield from (
            Text(f"warning: the next sync stops at {why}", style="yellow") for why in seen.as_dict()["stops_at"]
        )


def _plan_line(seen: _Seen) -> str:
    planned = seen.plan.counts() if seen.plan else {}
    kinds = ", ".join(f"{planned.get(name, 0):,} {name}" for name in ("owners", "tasks", "notices", "joins"))
    share = "" if seen.changed_share is None else f"; {seen.changed_share:.1%} are not in the band that people saw last"
    return f"a plan by it would write now: fields of {planned.get('fields', 0):,} records, {kinds}{share}"


def _columns(one: Version) -> tuple[object, ...]:
    figures = [one.figures.get(name) for name in ("auc_same_age", "lift_20", "log_loss")]
    since = f"{one.in_use_at:%d %b %Y}" if one.in_use_at else None
    rows = (one.told.get("n_rows"), one.told.get("n_conversions"))
    return (one.version, one.state, f"{one.made_at:%d %b %Y}", since, one.in_use_by or one.made_by, *figures, *rows)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
