"""Checks that say what is wrong and what to do about it, each by itself."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from connector.compose import describe_all, load_parts, model_problems
from connector.crm.base import Connection, Crm
from connector.crm.registry import connect
from connector.errors import ConfigError, LeadlightError
from connector.routing.pools import resolve_table
from connector.settings import Settings
from connector.store.state import check as check_state
from connector.store.state import open_state
from mappings.check import check_mapping
from mappings.model import Mapping
from mappings.prune import prune


@dataclass(frozen=True)
class Check:
    """State one finding; fix is empty where all is well."""

    name: str
    ok: bool
    detail: str
    fix: str = ""

    def as_dict(self) -> dict[str, object]:
        """Give the finding as the command line's JSON has it."""
        return asdict(self)


def examine(config: Path) -> list[Check]:
    """Run every check that the ones before it allow; reads only."""
    try:
        settings, models, mapping = load_parts(config)
        settings.crm.require_credentials()
    except ConfigError as error:
        return [Check("configuration", False, problem, f"edit {config.name}") for problem in error.problems]
    found = [Check("configuration", True, f"model {models.name}, mapping {settings.crm.mapping}")]
    found.append(_store(Path(settings.store.path)))
    crm = connect(settings)
    try:
        connection = crm.check()
    except LeadlightError as error:
        return [*found, Check("connection", False, error.message, "check [crm] and its secrets")]
    found.append(_connected(connection))
    found += _mapping(crm, mapping)
    found += [
        Check("model", False, problem, "edit the model or the mapping") for problem in model_problems(models, mapping)
    ]
    found += _pools(crm, settings)
    return found


def _store(folder: Path) -> Check:
    try:
        state = open_state(folder)
        damage = check_state(state)
        state.close()
    except LeadlightError as error:
        return Check("store", False, error.message, "check [store] path and the disk")
    return Check("store", not damage, "; ".join(damage) or f"sound, in {folder}", "restore a backup" if damage else "")


def _connected(connection: Connection) -> Check:
    used = ""
    if connection.api_limit:
        used = f", {connection.api_used or 0:,} of {connection.api_limit:,} API calls of the day used"
    return Check("connection", True, f"org {connection.org_id}{used}")


def _mapping(crm: Crm, mapping: Mapping) -> Iterator[Check]:
    describes = describe_all(crm, mapping)
    yield from (Check("rights", False, right, "grant it to the token") for right in crm.refused.values())
    wrong = check_mapping(mapping, describes, new_fields_ok=True)
    missing = [problem for problem in check_mapping(mapping, describes, new_fields_ok=False) if problem not in wrong]
    yield from (Check("mapping", False, problem, "edit the mapping, or grant access") for problem in wrong)
    yield from (Check("fields", False, problem, "run `leadlight provision`") for problem in missing)
    if not wrong and not missing:
        yield Check("mapping", True, "every field that is read or written exists")
    for dropped in prune(mapping, describes).dropped:
        yield Check("optional", True, f"{dropped}: left out")


def _pools(crm: Crm, settings: Settings) -> Iterator[Check]:
    table, problems = resolve_table(settings.route, settings.pool, settings.hours, crm.owners())
    yield from (Check("owners", False, problem, "edit [[pool]] and [[route]]") for problem in problems)
    for pool in table.pools.values():
        if not pool.active:
            yield Check("owners", False, f"[[pool]] {pool.id}: nobody in it is active", "add an active user")
    if table.pools and not problems:
        told = ", ".join(f"{pool.id}: {len(pool.active)} active" for pool in table.pools.values())
        yield Check("owners", True, told)
