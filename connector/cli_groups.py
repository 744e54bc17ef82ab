"""Commands of two words: model lint, queue list, runs undo, sandbox serve."""

from pathlib import Path
from typing import Annotated

import typer

from connector.cli_arguments import CONFIG, AsOf, Config, Crm, CrmKind, Json
from connector.cli_versions import model_card, model_export, model_use, model_versions
from connector.output import Output

Feed = Annotated[str | None, typer.Argument(help="The id of a feed; none means all of them.")]

sandbox_app = typer.Typer(no_args_is_help=True, help="A loopback CRM to try things on.")
queue_app = typer.Typer(no_args_is_help=True, help="What waits to be written, or was refused.")
match_app = typer.Typer(no_args_is_help=True, help="Which accounts people were matched to, and why.")
model_app = typer.Typer(no_args_is_help=True, help="Check, test and compare models; versions of trained ones.")
feeds_app = typer.Typer(no_args_is_help=True, help="Rows from outside the CRM: what came, waits, or was refused.")
enrichment_app = typer.Typer(no_args_is_help=True, help="What vendors know: where they disagree, what is old.")
runs_app = typer.Typer(no_args_is_help=True, help="What was done, and when.")


@model_app.command("lint")
def model_lint(
    file: Annotated[str, typer.Argument(help="A model file, or preset:NAME.")],
    data: Annotated[Path | None, typer.Option(help="A folder of plain files to hold the model against.")] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Tell every error of a model, and what is allowed but probably not meant."""
    from connector.commands import modelling  # on use, so that --help stays quick

    raise typer.Exit(modelling.check(Output(json), file, data, as_of))


@model_app.command("test")
def model_test(
    file: Annotated[str, typer.Argument(help="A model file, or preset:NAME.")],
    json: Json = False,
) -> None:
    """Run the worked examples inside and beside a model file."""
    from connector.commands import modelling  # on use, so that --help stays quick

    raise typer.Exit(modelling.test(Output(json), file))


@model_app.command("diff")
def model_diff(
    before: Annotated[str, typer.Argument(help="A model file, or preset:NAME.")],
    after: Annotated[str, typer.Argument(help="The model to compare with it.")],
    data: Annotated[Path | None, typer.Option(help="The folder of plain files.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Or the store of this configuration.")] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Say who would change band with another model, and which rules do it; writes nothing."""
    from connector.commands import modelling  # on use, so that --help stays quick

    modelling.diff(Output(json), before, after, data, config, as_of)


model_app.command("versions")(model_versions)
model_app.command("card")(model_card)
model_app.command("use")(model_use)
model_app.command("export")(model_export)


@match_app.command("list")
def match_list(config: Config = CONFIG, json: Json = False) -> None:
    """List who belongs to which account though the CRM links them to none, the least sure first."""
    from connector.commands import matching  # on use, so that --help stays quick

    matching.match_list(Output(json), config)


@match_app.command("ambiguous")
def match_ambiguous(config: Config = CONFIG, json: Json = False) -> None:
    """List the people for whom several accounts are in question, so that none was taken."""
    from connector.commands import matching  # on use, so that --help stays quick

    matching.match_ambiguous(Output(json), config)


@match_app.command("explain")
def match_explain(
    record: Annotated[str, typer.Argument(help="The id of a lead or contact.")],
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Show which accounts are in question for one person, and why one was taken or none."""
    from connector.commands import matching  # on use, so that --help stays quick

    matching.match_explain(Output(json), config, record)


@queue_app.command("list")
def queue_list(config: Config = CONFIG, json: Json = False) -> None:
    """List rows that wait for another try or were refused."""
    from connector.commands import queue  # on use, so that --help stays quick

    queue.queue_list(Output(json), config)


@queue_app.command("retry")
def queue_retry(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids of refused rows; none means all of them.")] = None,
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Let the next run try refused rows again, whatever their wait."""
    from connector.commands import queue  # on use, so that --help stays quick

    queue.queue_retry(Output(json), config, ids or ())


@queue_app.command("drop")
def queue_drop(
    ids: Annotated[list[int], typer.Argument(help="Ids of refused rows.")],
    config: Config = CONFIG,
    json: Json = False,
) -> None:
    """Give refused rows up: a task is never made, a record's fields wait for the next plan."""
    from connector.commands import queue  # on use, so that --help stays quick

    queue.queue_drop(Output(json), config, ids)


@feeds_app.command("list")
def feeds_list(config: Config = CONFIG, json: Json = False) -> None:
    """List the feeds: files, rows, newest row, what is held and what could not be read."""
    from connector.commands import feeds  # on use, so that --help stays quick

    feeds.feeds_list(Output(json), config)


@feeds_app.command("check")
def feeds_check(feed: Feed = None, config: Config = CONFIG, json: Json = False) -> None:
    """Read the files of feeds and say what would land; nothing does. Exit 1 where a file would be refused."""
    from connector.commands import feeds  # on use, so that --help stays quick

    raise typer.Exit(feeds.feeds_check(Output(json), config, feed))


@feeds_app.command("serve")
def feeds_serve(config: Config = CONFIG, json: Json = False) -> None:
    """Take the messages of webhooks until told to stop; the daemon does so too. Syncs land them."""
    from connector.commands import feeds  # on use, so that --help stays quick

    feeds.feeds_serve(Output(json), config)


@feeds_app.command("held")
def feeds_held(feed: Feed = None, config: Config = CONFIG, json: Json = False) -> None:
    """List whom rows wait for: people and accounts that the CRM does not know."""
    from connector.commands import feeds  # on use, so that --help stays quick

    feeds.feeds_held(Output(json), config, feed)


@feeds_app.command("rejects")
def feeds_rejects(feed: Feed = None, config: Config = CONFIG, json: Json = False) -> None:
    """List lines that could not be read, each with the reason."""
    from connector.commands import feeds  # on use, so that --help stays quick

    feeds.feeds_rejects(Output(json), config, feed)


@runs_app.command("list")
def runs_list(config: Config = CONFIG, json: Json = False) -> None:
    """List the newest runs."""
    from connector.commands import history  # on use, so that --help stays quick

    history.runs_list(Output(json), config)


@runs_app.command("show")
def runs_show(
    run: Annotated[str, typer.Argument(help="The id of a run.")], config: Config = CONFIG, json: Json = False
) -> None:
    """Show one run and every row that it wrote or tried to write."""
    from connector.commands import history  # on use, so that --help stays quick

    history.runs_show(Output(json), config, run)


@runs_app.command("undo")
def runs_undo(
    run: Annotated[str, typer.Argument(help="The id of a run.")],
    config: Config = CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Restore; without it, only show what would be.")] = False,
    json: Json = False,
) -> None:
    """Restore what stood in the CRM before a run, where the fields still hold what it wrote."""
    from connector.commands import history  # on use, so that --help stays quick

    raise typer.Exit(history.runs_undo(Output(json), config, run, yes=yes))


@enrichment_app.command("conflicts")
def enrichment_conflicts(
    config: Config = CONFIG,
    as_of: AsOf = None,
    limit: Annotated[int, typer.Option(min=0, help="How many to show.")] = 50,
    json: Json = False,
) -> None:
    """List the attributes on which vendors disagree, with value and age of each."""
    from connector.commands import enrichment  # on use, so that --help stays quick

    enrichment.conflicts(Output(json), config, as_of, limit)


@enrichment_app.command("due")
def enrichment_due(
    config: Config = CONFIG,
    as_of: AsOf = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show.")] = 50,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write all of them to this CSV file.")] = None,
    json: Json = False,
) -> None:
    """List whom vendors are to look up again: what is scored and missing, stale or due, by what it could change."""
    from connector.commands import enrichment  # on use, so that --help stays quick

    enrichment.look_up(Output(json), config, as_of, limit, output)


@enrichment_app.command("status")
def enrichment_status(config: Config = CONFIG, as_of: AsOf = None, json: Json = False) -> None:
    """Say how much each vendor covers and when it said anything last; exit 1 where one is quiet."""
    from connector.commands import enrichment  # on use, so that --help stays quick

    raise typer.Exit(enrichment.status(Output(json), config, as_of))


@sandbox_app.command("serve")
def sandbox_serve(
    crm: Crm = CrmKind.salesforce,
    port: Annotated[int, typer.Option(help="0 chooses a free one.")] = 0,
    control_port: Annotated[int, typer.Option(help="0 chooses a free one.")] = 0,
    world: Annotated[str, typer.Option(help="demo, empty, or a folder of canonical tables.")] = "demo",
    people: Annotated[int, typer.Option(min=1)] = 2000,
    seed: Annotated[int, typer.Option()] = 7,
    db: Annotated[Path | None, typer.Option(help="Keep the records in this file.")] = None,
) -> None:
    """Serve a sandbox CRM; prints one JSON line when it is ready."""
    from connector.commands import begin  # on use, so that --help stays quick

    begin.sandbox_serve(crm, port, control_port, world, people, seed, db)
