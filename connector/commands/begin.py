"""Commands to begin with: the demo, a first configuration, our fields in the CRM, a sandbox."""

import signal
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import typer
from rich.table import Table

from connector import demo as demonstration
from connector import log, setup
from connector.crm.registry import connect
from connector.errors import ConfigError
from connector.output import Output, band_text, is_terminal, table
from connector.report.html import Overview
from connector.settings.file import load_settings
from mappings.lists import load_lists
from scoring.model import ModelError, load_model

CRM_KINDS = ("salesforce", "hubspot")
HUBSPOT_URL = "https://api.hubapi.com"


def demo(
    out: Output, crm: str, people: int, seed: int, as_of: datetime | None, folder: Path, model: str, *, once: bool
) -> None:
    """Give the demo, and keep its sandbox open for a person who wants to look around."""
    band = _model_bands(model)[0]
    source = model if model.startswith("preset:") else str(Path(model).resolve())
    options = demonstration.DemoOptions(crm, people, seed, as_of, folder, source, band)
    log.configure("warning", "auto", [])
    out.say(f"Starting a sandbox {crm} CRM with {people:,} people ...")
    with demonstration.running_sandbox(options) as ready:
        with out.steps() as progress:
            shown = demonstration.give(options, ready, progress)
        out.result(shown.as_dict(), [hottest(shown.seen), *_demo_words(shown)])
        if not once and not out.json_wanted and is_terminal():
            out.say("\nThe sandbox stays open until you press Ctrl-C.")
            _wait_for_interrupt()


def hottest(seen: Overview) -> Table:
    """Lay out who to call now."""
    rows = [
        [
            lead.score,
            band_text(lead.band, lead.rank),
            _who(lead.name, lead.title, lead.company),
            "\n".join(lead.reasons),
            lead.owner or "nobody",
            f"{lead.task}\ndue {lead.due}" if lead.task else "none",
        ]
        for lead in seen.leads
    ]
    title = f"Who to call now ({seen.crm}, {seen.model}, {seen.as_of})"
    return table(title, ("score", "band", "who", "why", "owner", "task"), rows)


def init(
    out: Output, path: Path, model: str, from_sandbox: Path | None, mapping: str | None, *, overwrite: bool
) -> None:
    """Write a configuration from a sandbox's ready line, or from a person's answers."""
    bands = _model_bands(model)
    if from_sandbox is None:
        answers = _ask(model, mapping, bands[0])
        setup.write_config(answers, path, overwrite=overwrite)
    else:
        ready = setup.keep_authority(setup.from_ready_line(from_sandbox), path)
        first = setup.sandbox_answers(ready, model=model, mapping=mapping, band=bands[0], owners=())
        setup.write_config(first, path, overwrite=overwrite)
        owners = connect(load_settings(path)).owners()
        answers = setup.sandbox_answers(ready, model=model, mapping=mapping, band=bands[0], owners=owners)
        setup.write_config(answers, path, overwrite=True)
    lines = [f"Wrote {path}.", f"Next: leadlight doctor -c {path}, then leadlight provision -c {path}"]
    out.result({"path": str(path), "crm": answers.kind, "model": model, "owners": list(answers.owners)}, lines)


def sandbox_serve(crm: str, port: int, control_port: int, world: str, people: int, seed: int, db: Path | None) -> None:
    """Serve a sandbox until told to stop."""
    from connector.sandbox.server import SandboxOptions, serve

    serve(SandboxOptions(str(crm), port, control_port, world, people, seed, db))  # type: ignore[arg-type] # an enum of the same words


def _demo_words(shown: demonstration.Demo) -> Sequence[str]:
    first, again = shown.first.as_dict(), shown.as_dict()["second_run"]
    pulled, plan, applied = first["pulled"], first["plan"], first["applied"]
    hot = shown.seen.leads[0].record_id if shown.seen.leads else "RECORD"
    return [
        "",
        f"Pulled {pulled['people']:,} people, {pulled['accounts']:,} accounts and {pulled['events']:,} events.",
        f"Scored {first['scored']['people']:,} people.",
        "Bands: " + ", ".join(f"{band.name} {band.n:,} ({band.share:.1%})" for band in shown.seen.bands),
        f"Wrote {plan['fields']:,} records, {plan['owners']:,} owners and {plan['tasks']:,} tasks.",
        f"{applied['done']:,} done, {applied['rejected']:,} rejected, {first['api_calls']['write']:,} write calls.",
        f"A second run found {again['changes']:,} changes.",
        f"The page: {shown.report}",
        "",
        "Type next:",
        f"  leadlight explain {hot} -c {shown.config}",
        f"  leadlight status -c {shown.config}",
        "  leadlight init            (your own Salesforce or HubSpot)",
    ]


def _ask(model: str, mapping: str | None, band: str) -> setup.Answers:
    """Ask a person for what a configuration needs; secrets are never asked for."""
    if not is_terminal():
        raise ConfigError("there is nobody to ask here; pass --from-sandbox READY.json, or copy config.example.toml")
    kind = typer.prompt("Which CRM (salesforce, hubspot)", default="salesforce", err=True)
    if kind not in CRM_KINDS:
        raise ConfigError(f"{kind!r} is no CRM that Leadlight speaks to; salesforce and hubspot are")
    address = HUBSPOT_URL if kind == "hubspot" else typer.prompt("Your org's address (https://...)", err=True)
    auth = "token" if kind == "hubspot" else typer.prompt("How to log in (client_credentials, jwt, token)", err=True)
    client = typer.prompt("Client id", err=True) if auth in ("client_credentials", "jwt") else None
    user = typer.prompt("User name", err=True) if auth == "jwt" else None
    people = typer.prompt("Who gets hot leads (e-mail addresses, comma-separated)", default="", err=True)
    owners = tuple(part.strip() for part in people.split(",") if part.strip())
    return setup.Answers(kind, address, auth, mapping or kind, model, band, owners, client_id=client, username=user)


def _model_bands(model: str) -> list[str]:
    try:
        return [band.id for band in load_model(model, lists=load_lists(None)).bands]
    except ModelError as error:
        raise ConfigError(error.problems) from None


def _who(name: str, title: str | None, company: str | None) -> str:
    place = ", ".join(part for part in (title, company) if part)
    return f"{name}\n{place}" if place else name


def _wait_for_interrupt() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
