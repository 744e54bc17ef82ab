"""Enriched attributes as a step of the facts: models see the value that is believed, in the column of its name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from connector.engine.relations import quoted
from connector.enrichment.resolve import ATTRIBUTES, KEYS, WORDS, Held, candidates, seen
from connector.settings.enrichment import CRM, EnrichSettings
from connector.settings.file import Settings
from connector.store.lake import Lake
from connector.successors import follow_observations
from connector.view import Relations, View

TABLES: Final = ("people", "accounts")


def enriched(view: View, found: Relations) -> Relations:
    """Put what is believed in the place of the CRM's own columns; an attribute that it lacks becomes a column."""
    made = dict(found)
    for of in TABLES:
        if of in found and (wanted := enriches_of(view.settings, of)):
            held = held_for(view.lake, view.settings, of)
            made[of] = resolved(found[of], wanted, held, view.as_of)
    return made


def enriches_of(settings: Settings, of: str) -> tuple[EnrichSettings, ...]:
    """List what is enriched of people or accounts."""
    return tuple(enrich for enrich in settings.enrich if enrich.of == of)


def subjects(lake: Lake, of: str) -> str | None:
    """Give the relation of people or accounts as pulled, without converted leads; null where there are none."""
    relation = lake.relation(of)
    if relation is None or "converted_at" not in lake.columns(of):
        return relation
    return f"(SELECT * FROM {relation} WHERE converted_at IS NULL)"  # noqa: S608 - a file list of our own making


def held_for(lake: Lake, settings: Settings, of: str) -> Held:
    """Name what there is to resolve the attributes of people or accounts from."""
    columns = lake.columns(of)
    stamp = next((vendor.observed_at for vendor in settings.vendor if vendor.id == CRM), None)
    observed = lake.relation(ATTRIBUTES)
    return Held(
        follow_observations(lake, observed) if observed else None,
        lake.relation(WORDS),
        columns,
        stamp if stamp in columns else None,
    )


def resolved(relation: str, wanted: Sequence[EnrichSettings], held: Held, as_of: datetime) -> str:
    """Wrap a relation of people or accounts, whose columns are `held.columns`, with what is believed of them."""
    values = {
        enrich.attribute: f"COALESCE({', '.join(candidates(enrich, held, as_of, 't', 's').values())})"
        for enrich in wanted
    }
    own = [f"{value} AS {quoted(name)}" for name, value in values.items() if name in held.columns]
    new = [f"{value} AS {quoted(name)}" for name, value in values.items() if name not in held.columns]
    columns = ", ".join([f"t.* REPLACE ({', '.join(own)})" if own else "t.*", *new])
    return (
        f"(SELECT {columns} FROM {relation} t LEFT JOIN {seen(wanted, held, as_of)} s "  # noqa: S608 - names are quoted
        f"ON s.subject_id = t.{KEYS[wanted[0].of]})"
    )
