"""Arguments that several commands take."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class CrmKind(StrEnum):
    """Name a vendor."""

    salesforce = "salesforce"
    hubspot = "hubspot"


def utc(text: str) -> datetime:
    """Read a time of the command line; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time; write it like 2026-07-01 or 2026-07-01T12:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def allowed(guards: list[str] | None, *, accept_model: bool) -> tuple[str, ...]:
    """List the guards that are let pass."""
    return (*(guards or ()), *(("model_changed",) if accept_model else ()))


Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
AsOf = Annotated[datetime | None, typer.Option(parser=utc, metavar="TIME", help="Use nothing later than this (UTC).")]
Allow = Annotated[list[str] | None, typer.Option(help="Let this guard pass; may be given more than once.")]
AcceptModel = Annotated[bool, typer.Option("--accept-model", help="Apply a model that changed since the last plan.")]
Backfill = Annotated[bool, typer.Option("--backfill-tasks", help="Make tasks on the first run too.")]
ChangedOnly = Annotated[
    bool, typer.Option("--changed-only", help="Score only those who changed; all others keep their scores.")
]
Crm = Annotated[CrmKind, typer.Option(help="Which CRM.")]
CONFIG = Path("config.toml")
