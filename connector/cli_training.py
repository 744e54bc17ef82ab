"""Commands that learn from the past; each is added to the command line by `cli`."""

from pathlib import Path
from typing import Annotated

import typer

from connector.cli_arguments import AsOf, Json
from connector.output import Output


def train(
    data: Annotated[Path | None, typer.Option(help="The folder of plain files to learn from.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Or the store of this configuration.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="The model file to write. Default: model.json, or a candidate in the store."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="With --config: the id of the model of rules it is for.")] = None,
    target: Annotated[
        str | None, typer.Option(help="opportunity_created, closed_won, accepted or expansion. Default: by the data.")
    ] = None,
    horizon: Annotated[str | None, typer.Option(help="Within how long, such as 90d. Default: by the data.")] = None,
    holdout: Annotated[
        float | None, typer.Option(min=0.05, max=0.5, help="Share of the newest rows to judge by.")
    ] = None,
    allow: Annotated[list[str] | None, typer.Option(help="A field that was asked about and is no leak.")] = None,
    rules: Annotated[str | None, typer.Option(help="Rules to be better than, a file or preset:NAME.")] = None,
    suggest: Annotated[Path | None, typer.Option(help="Write rules in whole points here, made of the model.")] = None,
    segments: Annotated[str | None, typer.Option(help="A field: try tables of its own for each of its values.")] = None,
    increasing: Annotated[
        list[str] | None, typer.Option(help="A number of which more is never to lower a score.")
    ] = None,
    decreasing: Annotated[
        list[str] | None, typer.Option(help="A number of which more is never to raise a score.")
    ] = None,
    max_rows: Annotated[int | None, typer.Option(min=500, help="Train on about so many rows at most.")] = None,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="With --config: only if it is too old or fits no more.")
    ] = False,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Learn from the past who converts, and write a model if it is worth it; exit 4 where it is not, with reasons."""
    from connector.commands import training  # on use, so that --help stays quick

    options = training.TrainOptions(
        target,
        horizon,
        holdout,
        tuple(allow or ()),
        as_of,
        max_rows,
        rules,
        suggest,
        model,
        segments,
        tuple(increasing or ()),
        tuple(decreasing or ()),
    )
    if if_due:
        from connector.commands import retraining  # as above

        if config is None or data is not None or output is not None:
            raise typer.BadParameter("--if-due is for a store: --config, without --data and -o")
        raise typer.Exit(retraining.train_if_due(Output(json), config, options))
    raise typer.Exit(training.train(Output(json), data, config, output, options))


def discover(
    data: Annotated[Path | None, typer.Option(help="The folder of plain files to look at.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Or the store of this configuration.")] = None,
    newest: Annotated[int, typer.Option(min=10, help="So many of the newest won and lost deals each.")] = 100,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Say what the newest won deals share against the lost ones, with intervals and without a model."""
    from connector.commands import training  # on use, so that --help stays quick

    training.discover(Output(json), data, config, newest, as_of)


def drift(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration whose store to look at.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Or a folder of plain files, with --model.")] = None,
    model: Annotated[Path | None, typer.Option(help="A trained model, or the model file that names it.")] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Say whether trained models still fit: scores, rates and lift of the newest month; exit 1 where one does not."""
    from connector.commands import drift as drifting  # on use, so that --help stays quick

    raise typer.Exit(drifting.tell(Output(json), config, data, model, as_of))
