"""The command line: data on stdout, words for people on stderr, exit codes that programs can trust."""

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from connector.cli_arguments import (
    CONFIG,
    AcceptModel,
    Allow,
    AsOf,
    Backfill,
    ChangedOnly,
    Config,
    Crm,
    CrmKind,
    Json,
    allowed,
)
from connector.cli_groups import enrichment_app, feeds_app, match_app, model_app, queue_app, runs_app, sandbox_app
from connector.cli_training import discover, drift, train
from connector.errors import LeadlightError
from connector.output import Output

CHANGES_PENDING = 3


class EngineKind(StrEnum):
    """Name what runs a statement."""

    duckdb = "duckdb"


HELP = "Score the leads of a CRM, see every point, act on it."
DIALECTS = "duckdb, postgres, spark (run by tests); bigquery, databricks, snowflake, trino (generated only)."

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Score the leads of a CRM, see every point, act on it.",
)
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(queue_app, name="queue")
app.add_typer(enrichment_app, name="enrichment")
app.add_typer(runs_app, name="runs")
app.add_typer(feeds_app, name="feeds")
app.add_typer(model_app, name="model")
app.command()(train)
app.command()(discover)
app.command()(drift)
app.add_typer(match_app, name="match")


@app.command()
def demo(
    crm: Crm = CrmKind.salesforce,
    people: Annotated[int, typer.Option(min=1, help="How many people the sandbox holds.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 7,
    model: Annotated[str, typer.Option(help="A model file, or preset:NAME.")] = "preset:b2b_saas",
    as_of: AsOf = None,
    once: Annotated[bool, typer.Option("--once", help="End when done; do not keep the sandbox open.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the demo writes.")] = Path("leadlight-demo"),
    json: Json = False,
) -> None:
    """Show the whole loop on a CRM that runs on this machine alone."""
    from connector.commands import begin  # on use, so that --help stays quick

    begin.demo(Output(json), crm, people, seed, as_of, folder, model, once=once)


@app.command()
def init(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = CONFIG,
    model: Annotated[str, typer.Option(help="A model file, or preset:NAME.")] = "preset:b2b_saas",
    from_sandbox: Annotated[Path | None, typer.Option(help="A file with the ready line of a running sandbox.")] = None,
    mapping: Annotated[str | None, typer.Option(help="A mapping file of your own.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Overwrite without asking.")] = False,
    json: Json = False,
) -> None:
    """Write a first configuration."""
    from connector.commands import begin  # on use, so that --help stays quick

    begin.init(Output(json), output, model, from_sandbox, mapping, overwrite=yes)


@app.command()
def provision(
    config: Config = CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Create without asking; with --files: overwrite.")] = False,
    files: Annotated[
        Path | None, typer.Option(help="Write it all here as files, for an administrator to set up.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what would be made in the CRM for our scores (fields, help texts, permission sets), and make it."""
    from connector.commands import provision  # on use, so that --help stays quick

    if files is None:
        provision.make(Output(json), config, yes=yes)
    else:
        provision.write(Output(json), config, files, overwrite=yes)


@app.command()
def doctor(config: Config = CONFIG, json: Json = False) -> None:
    """Check configuration, rights, fields, model and owners, and say what to do."""
    from connector.commands import examine  # on use, so that --help stays quick

    raise typer.Exit(examine.doctor(Output(json), config))


@app.command()
def pull(config: Config = CONFIG, json: Json = False) -> None:
    """Read what changed in the CRM into the store."""
    from connector.commands import run  # on use, so that --help stays quick

    raise typer.Exit(run.pull(Output(json), config))


@app.command()
def score(
    config: Config = CONFIG,
    model: Annotated[str | None, typer.Option(help="Score plain files with this model instead of the store.")] = None,
    data: Annotated[Path | None, typer.Option(help="The folder of plain files.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where to write the scores (Parquet).")] = None,
    contributions: Annotated[Path | None, typer.Option(help="Where to write the contributions (Parquet).")] = None,
    engine: Annotated[EngineKind, typer.Option(help="What runs the statement.")] = EngineKind.duckdb,
    as_of: AsOf = None,
    changed_only: ChangedOnly = False,
    allow: Allow = None,
    json: Json = False,
) -> None:
    """Score everybody in the store, or plain files without any CRM (--model, --data, --as-of, -o)."""
    out = Output(json)
    if model is None and data is None:
        from connector.commands import run  # on use, so that --help stays quick

        raise typer.Exit(run.score_store(out, config, as_of, changed_only=changed_only, allow=tuple(allow or ())))
    from connector.commands import plain  # on use: a store needs no compiler most of the time

    raise typer.Exit(plain.score_files(out, model, data, as_of, output, contributions, allow or ()))


@app.command()
def plan(
    config: Config = CONFIG,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the plan here for `apply`.")] = None,
    as_of: AsOf = None,
    backfill_tasks: Backfill = False,
    changed_only: ChangedOnly = False,
    allow: Allow = None,
    detailed_exitcode: Annotated[bool, typer.Option(help="Exit 3 where the plan holds changes.")] = False,
    json: Json = False,
) -> None:
    """Say what would be written, and write nothing to the CRM."""
    from connector.commands import run  # on use, so that --help stays quick

    options = run.Options(as_of, backfill_tasks, allowed(allow, accept_model=False), changed_only=changed_only)
    code = run.plan(Output(json), config, output, options)
    raise typer.Exit(code if detailed_exitcode or code != CHANGES_PENDING else 0)


@app.command()
def apply(
    plan: Annotated[Path, typer.Argument(help="A plan that `plan -o` wrote.")],
    config: Config = CONFIG,
    allow: Allow = None,
    accept_model: AcceptModel = False,
    json: Json = False,
) -> None:
    """Do what a reviewed plan says, or refuse where it is stale."""
    from connector.commands import run  # on use, so that --help stays quick

    raise typer.Exit(run.apply(Output(json), config, plan, allowed(allow, accept_model=accept_model)))


@app.command()
def sync(
    config: Config = CONFIG,
    as_of: AsOf = None,
    backfill_tasks: Backfill = False,
    changed_only: ChangedOnly = False,
    allow: Allow = None,
    accept_model: AcceptModel = False,
    json: Json = False,
) -> None:
    """Pull, score, plan and apply."""
    from connector.commands import run  # on use, so that --help stays quick

    options = run.Options(as_of, backfill_tasks, allowed(allow, accept_model=accept_model), changed_only=changed_only)
    raise typer.Exit(run.sync(Output(json), config, options))


@app.command()
def explain(
    record: Annotated[str, typer.Argument(help="The id of a lead or contact.")],
    config: Config = CONFIG,
    model: Annotated[str | None, typer.Option(help="The id of another model than the first.")] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Say where every point of a score comes from."""
    from connector.commands import explain as explaining  # on use, so that --help stays quick

    explaining.explain(Output(json), config, record, model, as_of)


@app.command()
def erase(
    record: Annotated[str, typer.Argument(help="The id of a lead or contact, or a mail address.")],
    config: Config = CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it only says whom it would erase.")] = False,
    json: Json = False,
) -> None:
    """Forget a person: every row about them leaves the store, now and in later pulls; the CRM is not changed."""
    from connector.commands import erase as forgetting  # on use, so that --help stays quick

    raise typer.Exit(forgetting.erase_person(Output(json), config, record, yes=yes))


@app.command()
def route(
    record: Annotated[str | None, typer.Argument(help="The id of a lead or contact: why this owner.")] = None,
    config: Config = CONFIG,
    replay: Annotated[bool, typer.Option("--replay", help="Run the leads of --since through the rules.")] = False,
    since: Annotated[str, typer.Option(help="How far back: 30d, 8w.")] = "30d",
    routes: Annotated[Path | None, typer.Option(help="Try the rules and pools of this file instead.")] = None,
    json: Json = False,
) -> None:
    """Say why a record has its owner, or replay a month of leads through the rules; writes nothing."""
    from connector.commands import routing  # on use, so that --help stays quick

    if replay == (record is not None):
        raise typer.BadParameter("name a record, or pass --replay")
    if record is None:
        routing.replay(Output(json), config, since, routes)
    else:
        routing.why(Output(json), config, record, routes)


@app.command()
def status(config: Config = CONFIG, json: Json = False) -> None:
    """Say what the store holds and how the last runs ended."""
    from connector.commands import status as telling  # on use, so that --help stays quick

    telling.status(Output(json), config)


@app.command()
def audit(config: Config = CONFIG, as_of: AsOf = None, json: Json = False) -> None:
    """Judge how good the facts are that are scored, and which rules suffer; exit 1 where it is severe."""
    from connector.commands import audit  # on use, so that --help stays quick

    raise typer.Exit(audit.tell(Output(json), config, as_of))


@app.command()
def titles(config: Config = CONFIG, json: Json = False) -> None:
    """Count job titles by level, and list those that tell none, by how many people have them."""
    from connector.commands import matching  # on use, so that --help stays quick

    matching.show_readings(Output(json), config, "titles")


@app.command()
def sources(config: Config = CONFIG, json: Json = False) -> None:
    """Count people by the channel they came by; unknown stays unknown, and its share is shown."""
    from connector.commands import matching  # on use, so that --help stays quick

    matching.show_readings(Output(json), config, "sources")


@app.command()
def daemon(config: Config = CONFIG) -> None:
    """Sync on the schedule of the configuration until told to stop."""
    from connector.commands import run  # on use, so that --help stays quick

    run.daemon(config)


@app.command()
def sql(
    model: Annotated[str, typer.Option(help="A model file, or preset:NAME.")],
    dialect: Annotated[str, typer.Option(help=DIALECTS)] = "duckdb",
    as_of: AsOf = None,
) -> None:
    """Print the statement that computes a model's scores."""
    from connector.commands import plain  # on use, so that --help stays quick

    plain.sql(model, dialect, as_of)


def main() -> None:
    """Run the command line; every expected error is one message and its exit code."""
    raise SystemExit(guarded(app))


def guarded(command: Callable[[], object]) -> int:
    """Turn an expected error into its message and exit code; anything else is a bug (70) and shows its traceback."""
    try:
        command()
    except LeadlightError as error:
        Output().problem(error.message)
        return error.exit_code
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except KeyboardInterrupt:
        return 130
    except Exception:
        sys.excepthook(*sys.exc_info())
        return 70
    return 0
