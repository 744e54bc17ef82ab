"""Commands on the versions of a trained model; they are added to `leadlight model` by `cli_groups`."""

from pathlib import Path
from typing import Annotated

import typer

from connector.cli_arguments import CONFIG, Config, Json
from connector.output import Output

Model = Annotated[str | None, typer.Option(help="The id of a model. Default: the first that has a trained model.")]
Version = Annotated[str, typer.Argument(help="A version, or the beginning of it.")]


def model_versions(config: Config = CONFIG, model: Model = None, json: Json = False) -> None:
    """List the versions of a trained model: which one scores, which wait, which did, with their figures."""
    from connector.commands import versions  # on use, so that --help stays quick

    versions.versions_list(Output(json), config, model)


def model_card(
    version: Annotated[str | None, typer.Argument(help="A version or previous. Default: the one in use.")] = None,
    config: Config = CONFIG,
    model: Model = None,
    json: Json = False,
) -> None:
    """Tell what a version learned from, how it was judged, and what every field is worth."""
    from connector.commands import versions  # on use, so that --help stays quick

    versions.card(Output(json), config, version, model)


def model_use(
    version: Annotated[str, typer.Argument(help="A version, the beginning of it, or previous.")],
    config: Config = CONFIG,
    model: Model = None,
    yes: Annotated[bool, typer.Option("--yes", help="Put it in use; without it, only show what would change.")] = False,
    json: Json = False,
) -> None:
    """Show whom another version moves to another band and what would be written, and put it in use."""
    from connector.commands import versions  # on use, so that --help stays quick

    versions.use(Output(json), config, version, model, yes=yes)


def model_export(
    version: Version,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")],
    config: Config = CONFIG,
    model: Model = None,
    json: Json = False,
) -> None:
    """Write a version to a file, for a folder that Leadlight may not write to."""
    from connector.commands import versions  # on use, so that --help stays quick

    versions.export(Output(json), config, version, model, output)
