"""Checks that say what is wrong and what to do about it, each by itself."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from connector.acting.single import weaker_promise
from connector.compose import describe_all, load_parts
from connector.crm.administration import AdministeredCrm, Right
from connector.crm.base import Connection, Crm
from connector.crm.registry import connect
from connector.errors import ConfigError, LeadlightError
from connector.fitting import bands_of, model_problems
from connector.models import Models
from connector.planning.records import NOT_LEARNED
from connector.routing.pools import resolve_table
from connector.settings.checks import OFF
from connector.settings.file import Settings
from connector.store.state import open_state
from connector.surroundings import Check, clock_check, quota_check, store_checks, warning
from connector.training.process import can_learn, trained_models
from mappings.check import check_mapping
from mappings.fields import ObjectInfo
from mappings.model import Mapping as CrmMapping
from mappings.needs import needs_of, task_keeping
from mappings.prune import prune
from scoring.predict.blend import results

Describes = Mapping[str, ObjectInfo | None]


def examine(config: Path) -> list[Check]:
    """Run every check that the ones before it allow; reads only."""
    try:
        settings, models, mapping = load_parts(config)
        settings.crm.require_credentials()
    except ConfigError as error:
        return [Check("configuration", False, problem, f"edit {config.name}") for problem in error.problems]
    found = [Check("configuration", True, f"model {models.name}, mapping {settings.crm.mapping}")]
    found += _training(settings, models)
    found += unlearned(models, mapping)
    found += store_checks(Path(settings.store.path))
    sound = all(check.ok for check in found if check.name == "store")
    crm = connect(settings)
    try:
        connection = crm.check()
    except LeadlightError as error:
        return [*found, Check("connection", False, error.message, "check [crm] and its secrets")]
    found += _connected(settings, connection, store_is_sound=sound)
    try:
        for check in _against_crm(settings, models, mapping, crm):
            found.append(check)
    except LeadlightError as error:
        found.append(
            Check("crm", False, error.message, "grant the right or try again later; checks after it are left out")
        )
    return found


def _training(settings: Settings, models: Models) -> Iterator[Check]:
    """Say whether a trained model can be trained again where that is scheduled."""
    ids = trained_models(models)
    if not ids or settings.train.schedule == OFF:
        return
    if can_learn():
        yield Check("training", True, f"{', '.join(ids)}: looked after at {settings.train.schedule!r} by the daemon")
        return
    fix = 'pip install "leadlight[train]", or train elsewhere and set [train] schedule = "off"'
    yield warning("training", f"{', '.join(ids)} cannot be trained again here: the extra train is not installed", fix)


def unlearned(models: Models, mapping: CrmMapping) -> Iterator[Check]:
    """Name the fields for what a trained model says that no model fills."""
    for target in mapping.write.targets:
        line = next((one for one in models.of(target.role) if one.id == target.model_id), None)
        for key, spec in target.specs.items() if line else ():
            if line and spec.from_ in NOT_LEARNED and spec.from_ not in results(line.model):
                detail = f"{target.key}.{key}: model {line.model.id} gives no {spec.from_}, so {spec.field} stays empty"
                yield warning("mapping", detail, "name a trained model in its [combine], or take the field out")


def _connected(settings: Settings, connection: Connection, *, store_is_sound: bool) -> Iterator[Check]:
    yield Check("connection", True, f"org {connection.org_id}")
    yield clock_check(connection, datetime.now(UTC))
    if store_is_sound:
        with closing(open_state(Path(settings.store.path))) as state:
            yield quota_check(state, settings, connection)


def _against_crm(settings: Settings, models: Models, mapping: CrmMapping, crm: AdministeredCrm) -> Iterator[Check]:
    describes = describe_all(crm, mapping)
    bands = bands_of(models, mapping)
    wrong = check_mapping(mapping, describes, new_fields_ok=True, bands=bands)
    every = check_mapping(mapping, describes, new_fields_ok=False, bands=bands)
    missing = [problem for problem in every if problem not in wrong]
    yield from _rights(settings, mapping, crm, provisioned=not missing)
    yield from (Check("mapping", False, problem, "edit the mapping, or grant access") for problem in wrong)
    yield from (Check("fields", False, problem, "run `leadlight provision`") for problem in missing)
    if not wrong and not missing:
        yield Check("mapping", True, "every field that is read or written exists")
    yield from (Check("optional", True, f"{dropped}: left out") for dropped in prune(mapping, describes).dropped)
    yield from _tasks(mapping, describes)
    yield from _creates(mapping)
    for problem in model_problems(models, mapping, settings.enrich):
        yield Check("model", False, problem, "edit the model or the mapping")
    yield from _pools(crm, settings)


def _rights(settings: Settings, mapping: CrmMapping, crm: AdministeredCrm, *, provisioned: bool) -> Iterator[Check]:
    """Name missing and excess rights; what the CRM refused by itself is told where no check of rights names it."""
    routed = bool(settings.pool or settings.route)
    needs = [replace(need, moves=need.moves and routed) for need in needs_of(mapping)]
    found = list(crm.rights(needs, provisioned=provisioned))
    told = " ".join(right.detail for right in found if right.level != "ok" and right.name == "rights")
    for name, refused in crm.refused.items():
        if not any(f"scope {word} is missing" in told for word in refused.replace(",", " ").split()):
            optional = name in mapping.read and mapping.read[name].optional
            yield Check("rights", optional, refused, "grant it to the token", warning=optional)
    yield from map(_right, found)


def _right(right: Right) -> Check:
    return Check(right.name, right.level != "wrong", right.detail, right.fix, warning=right.level == "warning")


def _tasks(mapping: CrmMapping, describes: Describes) -> Iterator[Check]:
    """Say what keeps a task from being made twice, and how well."""
    task = mapping.write.task
    if task is None:
        return
    key = f"{task.object}.{task.key_field}"
    match task_keeping(task, describes.get(task.object)):
        case "unique":
            yield Check("tasks", True, f"made with the unique key {key}: the CRM itself refuses a second one")
        case "marked":
            told = "fallback mode: a mark in the body keeps tasks single, as the mapping asks"
            fix = "allow the field and take key_in_body out of [write.task]"
            yield warning("tasks", f"{told}: {weaker_promise(task.settle_s)}", fix)
        case "unfit":
            fix = "make the field unique in the CRM, or map another name and run `leadlight provision`"
            yield warning("tasks", f"none can be made: {key} is not unique", fix)
        case "missing":
            yield warning("tasks", f"none can be made yet: {key} does not exist", "run `leadlight provision`")


def _creates(mapping: CrmMapping) -> Iterator[Check]:
    """Say what feeds create, and what keeps a person from being created twice."""
    create = mapping.creates
    if create is not None:
        told = f"feeds create {create.object} records, each with the unique {create.key_field}"
        yield Check("people", True, f"{told}; nobody without {' and '.join(('an address', *create.needed))}")


def _pools(crm: Crm, settings: Settings) -> Iterator[Check]:
    table, problems = resolve_table(settings.route, settings.pool, settings.hours, crm.owners())
    yield from (Check("owners", False, problem, "edit [[pool]] and [[route]]") for problem in problems)
    for pool in table.pools.values():
        if not pool.active:
            yield Check("owners", False, f"[[pool]] {pool.id}: nobody in it is active", "add an active user")
    if table.pools and not problems:
        told = ", ".join(f"{pool.id}: {len(pool.active)} active" for pool in table.pools.values())
        yield Check("owners", True, told)
