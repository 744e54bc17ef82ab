"""The facts of a store as training reads them: every person once, since the first record of them was created."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from connector.credits import outcomes
from connector.engine.relations import literal, quoted
from connector.enrichment.resolve import KEYS, ROLES, worded
from connector.enrichment.step import held_for, subjects
from connector.errors import ConfigError
from connector.facts import relations
from connector.loading import load_parts
from connector.noting import CHANGE_KEY, CHANGES, noted_since
from connector.reading import Reading
from connector.settings.enrichment import CRM
from connector.store import runs
from connector.store.lake import Lake
from connector.successors import follow, follow_observations, resolved
from connector.training.facts import Believed, Past
from connector.training.histories import OF_LEAD
from connector.training.learnable import is_learnable
from mappings.model import Mapping as CrmMapping

HISTORY: Final = "history"


def newest_pull(reading: Reading) -> datetime:
    """Tell as of when the facts are; raises ConfigError where nothing was pulled."""
    newest = runs.list_runs(reading.state, limit=1)
    if not newest:
        raise ConfigError("nothing was pulled yet; run `leadlight sync` first")
    return newest[0].as_of


def stored_facts(reading: Reading, as_of: datetime) -> dict[str, str]:
    """Name the relations of people, accounts, events, outcomes and of the changes of fields.

    A lead that was converted goes on as its contact, so the person's created_at is the lead's: what came before the
    conversion is what there is to learn from.
    """
    found = relations(reading.lake, reading.settings, as_of)
    if "people" in found:
        found["people"] = _since_the_first(reading.lake, found["people"])
    if told := outcomes(reading.lake):
        found["outcomes"] = told
    parts = [*_told(reading.lake), *_noted(reading.lake), *_converted(reading.lake)]
    if parts:
        found[HISTORY] = f"({' UNION ALL BY NAME '.join(parts)})"
    return found


def _told(lake: Lake) -> Iterator[str]:
    """Select what the CRM tells of changes, named by the CRM's fields."""
    if changes := lake.relation(HISTORY):
        yield f"SELECT * FROM {follow(lake, changes, ['subject_id'])}"  # noqa: S608 - file lists of our own making


def _noted(lake: Lake) -> Iterator[str]:
    """Select what we noted of changes ourselves, named people.X and account.X."""
    if changes := lake.relation(CHANGES):
        columns = f"{CHANGE_KEY} AS history_id, role AS object, subject_id, field, old, new, changed_at"
        yield f"SELECT {columns} FROM {follow_observations(lake, changes)}"  # noqa: S608 - as above


def _converted(lake: Lake) -> Iterator[str]:
    """Select what a lead's fields held when it became a contact, where the contact's differ, named lead.X.

    A lead that went on as a contact which was there before tells nothing of that one's fields.
    """
    every, ends, columns = lake.relation("people"), resolved(lake, "person"), lake.columns("people")
    if every is None or ends is None or not {"converted_at", "created_at"} <= columns.keys():
        return
    for name, kind in columns.items():
        if is_learnable(name) and kind in ("VARCHAR", "DOUBLE", "BOOLEAN"):
            old, new = (f"{side}.{quoted(name)}::VARCHAR" for side in ("l", "c"))
            yield (
                f"SELECT 'lead:' || l.person_id || {literal(f':{name}')} AS history_id, 'person' AS object, "  # noqa: S608 - names are quoted
                f"s.new_id AS subject_id, {literal(OF_LEAD + name)} AS field, {old} AS old, {new} AS new, "
                f"c.created_at AS changed_at FROM {every} AS l JOIN {ends} AS s ON s.old_id = l.person_id "
                f"JOIN {every} AS c ON c.person_id = s.new_id "
                f"WHERE c.created_at >= date_trunc('day', l.converted_at) AND {old} IS DISTINCT FROM {new}"
            )


def past_of(reading: Reading, config: Path) -> Past:
    """Say what the store of a configuration knows of the past of fields."""
    mapping = load_parts(config, None)[2]
    return Past(field_names(mapping), noted_since(reading.state, mapping), tuple(_believed(reading)))


def _believed(reading: Reading) -> Iterator[Believed]:
    """Walk the attributes that vendors tell of, with what each said and what the CRM's own column says."""
    for enrich in reading.settings.enrich:
        held, rows = held_for(reading.lake, reading.settings, enrich.of), subjects(reading.lake, enrich.of)
        if held.attributes is None or rows is None:
            continue
        own = None
        if CRM in enrich.vendors and enrich.attribute in held.columns:
            own = f"(SELECT {KEYS[enrich.of]} AS id, {quoted(enrich.attribute)}::VARCHAR AS value FROM {rows})"  # noqa: S608 - names are quoted
        said = f"role = {literal(ROLES[enrich.of])} AND name = {literal(enrich.attribute)}"
        observed = (
            f"(SELECT subject_id, vendor, value, observed_at FROM {worded([enrich], held.attributes, held.words)}"  # noqa: S608 - as above
            f" WHERE {said})"
        )
        name = enrich.attribute if enrich.of == "people" else f"account.{enrich.attribute}"
        yield Believed(name, observed, enrich.vendors, enrich.max_age_days, own)


def _since_the_first(lake: Lake, people: str) -> str:
    ends, every = resolved(lake, "person"), lake.relation("people")
    if ends is None or every is None or "created_at" not in lake.columns("people"):
        return people
    first = (
        f"(SELECT s.new_id AS person_id, min(p.created_at) AS first_at FROM {every} AS p"  # noqa: S608 - file lists of our own making
        f" JOIN {ends} AS s ON s.old_id = p.person_id GROUP BY 1)"
    )
    created = "least(p.created_at, coalesce(f.first_at, p.created_at)) AS created_at"
    return f"(SELECT p.* REPLACE ({created}) FROM {people} AS p LEFT JOIN {first} AS f USING (person_id))"  # noqa: S608 - as above


def field_names(mapping: CrmMapping) -> dict[str, str]:
    """Give the field of people or accounts (account.X) that a field of the CRM is read into as it is.

    History names fields as the CRM does. One that goes through a transform, or into two places, is not given.
    """
    found: dict[str, set[str]] = {}
    for field, column in _read(mapping):
        found.setdefault(field, set()).add(column)
    return {field: next(iter(columns)) for field, columns in found.items() if len(columns) == 1}


def _read(mapping: CrmMapping) -> Iterator[tuple[str, str]]:
    prefixes = {"people": "", "accounts": "account."}
    for table in mapping.read.values():
        for column, source in table.fields.items() if table.table in prefixes else ():
            if source.transform is None and len(source.from_) == 1:
                yield source.from_[0], f"{prefixes[table.table]}{column}"
