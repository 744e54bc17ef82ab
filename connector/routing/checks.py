"""What rules and pools say, held against models and mapping: everything that is wrong, with the nearest name."""

from collections.abc import Iterable, Iterator, Mapping

from connector.models import Models
from connector.settings.file import Settings
from mappings.lists import load_lists
from mappings.model import Mapping as CrmMapping
from scoring.conditions import Condition, leaves, operand_problems
from scoring.names import nearest
from scoring.schema import BUILT_IN_FIELDS, TABLES, ColumnType


def route_problems(settings: Settings, models: Models, mapping: CrmMapping) -> list[str]:
    """Say which bands, segments, fields and lists of routing do not exist, and what does not fit a field's type."""
    people = [line.model for line in models.of("person")]
    bands = {band.id for model in people for band in model.bands}
    segments = {segment.id for model in people for segment in model.spec.segment}
    problems = list(_of_accounts(settings, models))
    for route in settings.route:
        where = f"route.{route.id}"
        problems += _unknown(f"{where}.band", "band", route.band or (), bands)
        problems += _unknown(f"{where}.segment", "segment", route.segment or (), segments)
    lists = load_lists(settings.lists.folder)
    for where, condition in _conditions(settings):
        problems += [f"{where}: {problem}" for problem in _condition_problems(condition, mapping, lists)]
    return problems


def _of_accounts(settings: Settings, models: Models) -> Iterator[str]:
    accounts = {line.model.id for line in models.of("account")}
    for n, action in enumerate(settings.action, start=1):
        if action.owner is not None and action.owner.route and action.model in accounts:
            yield f"action[{n}].owner.route: rules are for people, {action.model} scores accounts; name a pool"


def _unknown(where: str, kind: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name not in known:
            has = ", ".join(sorted(known)) or "none"
            yield f"{where}: no model of people has the {kind} {name!r}{nearest(name, known)}; there are: {has}"


def _conditions(settings: Settings) -> Iterator[tuple[str, Condition]]:
    for route in settings.route:
        if route.when is not None:
            yield f"route.{route.id}.when", route.when
    for pool in settings.pool:
        if pool.open_when is not None:
            yield f"pool.{pool.id}.open_when", pool.open_when


def _condition_problems(
    condition: Condition, mapping: CrmMapping, lists: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    known = _fields(mapping)
    for leaf in leaves(condition):
        if leaf.field not in known:
            yield f"there is no field '{leaf.field}'{nearest(leaf.field or '', known)}"
        if leaf.in_list is not None and leaf.in_list not in lists:
            yield f"there is no list '{leaf.in_list}'{nearest(leaf.in_list, lists)}"
    yield from operand_problems(condition, known.get)


def _fields(mapping: CrmMapping) -> Mapping[str, ColumnType | None]:
    """Give the fields that a condition may name; the type of one that only the mapping has is the CRM's to say."""
    tables: dict[str, dict[str, ColumnType | None]] = {}
    for name in ("people", "accounts"):
        read = {column for found in mapping.read.values() if found.table == name for column in found.columns()}
        tables[name] = {**dict.fromkeys(read), **TABLES[name].columns}
    people: dict[str, ColumnType | None] = dict(tables["people"])
    for name in BUILT_IN_FIELDS:
        people[name] = "text"
    return people | {f"account.{name}": kind for name, kind in {**tables["people"], **tables["accounts"]}.items()}
