"""The command that tries routing: why one record has its owner, or a month of leads through a table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.table import Table

from connector import log
from connector.acting.actions import parse_duration
from connector.compose import load_parts, open_job
from connector.errors import ConfigError
from connector.job import Job
from connector.output import Output, table
from connector.planning.arrivals import arrivals
from connector.planning.owners import rota_of
from connector.planning.records import register_written
from connector.routing.changed import with_routing
from connector.routing.decide import Asked, Decision, Terms, decide, unusable
from connector.routing.pools import RoutingTable, resolve_table
from connector.routing.replay import Outcome, differences, report, simulate
from connector.routing.rota import Rota
from connector.settings.file import Settings, load_settings
from connector.store import assignments

SHOWN = 12


@dataclass(frozen=True)
class _Tables:
    """Hold the present routing, and the changed one where a file was given."""

    present: tuple[Settings, RoutingTable]
    changed: tuple[Settings, RoutingTable] | None = None

    @property
    def tried(self) -> tuple[Settings, RoutingTable]:
        """Give the one that is asked about."""
        return self.changed or self.present


def replay(out: Output, config: Path, since: str, routes: Path | None) -> None:
    """Run the leads of a stretch of time through the present table, and a changed one; writes nothing."""
    span = _span(since)
    _quiet(config)
    with open_job(config, writer=False) as job:
        tables = _tables(job, config, routes)
        until = job.connection.server_time_at
        one = _simulated(job, tables.present, until - span, until)
        other = _simulated(job, tables.changed, until - span, until) if tables.changed else None
    names = tables.present[1].names
    moved = list(differences(one, None)) if other is None else _between(one, other)
    data = {
        "since": (until - span).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "present": report(one, names),
        "changed": report(other, names) if other is not None else None,
        "differ": moved,
    }
    out.result(data, list(_replay_lines(data, since, names)))


def why(out: Output, config: Path, record: str, routes: Path | None) -> None:
    """Say why a record has its owner, and whom it would go to now if nobody owned it; writes nothing."""
    _quiet(config)
    with open_job(config, writer=False) as job:
        settings, found = _tables(job, config, routes).tried
        at = job.connection.server_time_at
        come = arrivals(job, found, settings.action, at, record)
        if not come:
            raise ConfigError(f"route {record}: the store knows no such person; ids are the CRM's own")
        asked = come[0].asked
        with job.engine() as engine:
            register_written(engine, job)
            rota = rota_of(engine, job, found, at)
        made = decide(Terms(found, "own", (), at), rota, asked)
        history = assignments.of_record(job.state, record)
    data = {
        "object": asked.object,
        "record_id": record,
        "band": asked.band,
        "owner": come[0].owner_now,
        "chosen_by_a_person": come[0].by_person,
        "rules": list(_rules(found, asked)),
        "would_go_to": asdict(made) if made else None,
        "decisions": [{**asdict(row), "assigned_at": row.assigned_at.isoformat()} for row in history],
    }
    out.result(data, list(_why_lines(data, found, made, history)))


def _rules(found: RoutingTable, asked: Asked) -> Iterator[dict[str, Any]]:
    """Walk the rules with whether they fit a record, and why one that fits is passed over."""
    for n, rule in enumerate(found.routes):
        fits = n in asked.places and (not rule.bands or asked.band in rule.bands)
        yield {"rule": rule.id, "fits": fits, "passed_over": unusable(found, rule.to, asked) if fits else None}


def _tables(job: Job, config: Path, routes: Path | None) -> _Tables:
    present = (job.settings, _resolved(job, job.settings))
    if routes is None:
        return _Tables(present)
    _, models, mapping = load_parts(config)
    settings = with_routing(job.settings, routes, models, mapping)
    return _Tables(present, (settings, _resolved(job, settings)))


def _resolved(job: Job, settings: Settings) -> RoutingTable:
    found, problems = resolve_table(settings.route, settings.pool, settings.hours, job.owners)
    if problems:
        raise ConfigError(problems)
    return found


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"--since: {error}") from None


def _quiet(config: Path) -> None:
    settings = load_settings(config)
    log.configure(settings.log.level, settings.log.format, settings.crm.secrets())


def _simulated(job: Job, of: tuple[Settings, RoutingTable], since: datetime, until: datetime) -> list[Outcome]:
    """Run the leads of a stretch of time through a table; open records begin as they are now, less these leads."""
    settings, found = of
    come = [one for one in arrivals(job, found, settings.action, until) if since < one.at <= until]
    with job.engine() as engine:
        register_written(engine, job)
        held = rota_of(engine, job, found, until).open_now
    for counts in held.values():
        counts.subtract(one.owner_now for one in come if one.owner_now is not None)
    owner = job.mapping.write.owner
    return simulate(Terms(found, owner.policy if owner else "never", (), until), come, until, Rota(open_now=held))


def _between(one: Sequence[Outcome], other: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Compare two simulations; other actions may be about other people."""
    after = {(each.decision.object, each.decision.record_id): each for each in other}
    both = [(each, after[key]) for each in one if (key := (each.decision.object, each.decision.record_id)) in after]
    return list(differences([each for each, _ in both], [each for _, each in both]))


def _replay_lines(data: Mapping[str, Any], span: str, names: Mapping[str, str]) -> Iterator[str | Table]:
    """Tell a replay: load by owner, rules, what waited, whose owner would differ."""
    present, changed = data["present"], data["changed"]
    yield f"{present['leads']:,} leads came in the last {span}. Nothing is written."
    loads = {kind: {row["name"]: row for row in told["owners"]} for kind, told in _told(data)}
    headings = ("owner", *(word for kind in loads for word in (kind, "share", "most in a day")))
    everybody = sorted({name for rows in loads.values() for name in rows})
    cells = [[name, *(cell for rows in loads.values() for cell in _load(rows.get(name)))] for name in everybody]
    yield table(None, headings, cells)
    for kind, told in _told(data):
        rules = ", ".join(f"{row['rule']} {row['records']:,} ({row['share']:.0%})" for row in told["rules"])
        longest = f", the longest {timedelta(seconds=told['longest_wait_s'])}" if told["waited"] else ""
        waits = f"{told['waited']:,} waited{longest}; {told['waiting_at_the_end']:,} wait still"
        yield f"{kind}: {rules or 'none'}; {waits}"
    if present["owned_by_people"]:
        yield f"{present['owned_by_people']:,} of them have an owner whom a person chose, and would be left alone"
    rest = "with the changed table" if changed else "from the CRM's"
    yield f"{len(data['differ']):,} owners differ {rest}" + (":" if data["differ"] else "")
    for row in data["differ"][:SHOWN]:
        was, to = (names.get(row[key] or "", row[key] or "nobody") for key in ("from", "to"))
        yield f"  {row['object']} {row['record_id']} ({row['at']}): {was} -> {to} ({row['reason']})"
    if len(data["differ"]) > SHOWN:
        yield f"  ... and {len(data['differ']) - SHOWN:,} more; --json gives all"


def _told(data: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(kind, data[kind]) for kind in ("present", "changed") if data[kind] is not None]


def _load(row: Mapping[str, Any] | None) -> tuple[str, str, str]:
    return ("0", "", "") if row is None else (str(row["records"]), f"{row['share']:.0%}", str(row["most_in_a_day"]))


def _why_lines(
    data: Mapping[str, Any], found: RoutingTable, made: Decision | None, history: Sequence[assignments.Assignment]
) -> Iterator[str]:
    """Tell a record's owner: what was decided, which rules fit, whom it would go to."""
    name = found.names.get(data["owner"] or "", data["owner"]) or "nobody"
    chosen = ", chosen by a person: it stays" if data["chosen_by_a_person"] else ""
    yield f"{data['object']} {data['record_id']} ({data['band'] or 'no band'}): owned by {name}{chosen}"
    for row in history[:SHOWN]:
        what = {"record": "owner", "task": "task", "held": "no owner"}[row.kind]
        yield f"  {row.assigned_at:%Y-%m-%d %H:%M} {what}: {row.reason}"
    for rule in data["rules"]:
        over = f", passed over: {rule['passed_over']}" if rule["passed_over"] else ""
        yield f"  rule {rule['rule']}: {'fits' if rule['fits'] else 'does not fit'}{over}"
    yield f"were it nobody's, now: {made.reason if made else 'it would stay'}"
