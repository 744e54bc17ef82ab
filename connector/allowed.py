"""What is allowed to be read and seen of events, by the settings of signals."""

from collections.abc import Iterator, Sequence

from connector.engine.relations import literal, quoted
from connector.models import Models
from connector.settings.signals import SignalSettings
from connector.view import Relations, View
from mappings.loader import load_mapping
from mappings.model import Mapping
from mappings.privacy import TELLING, restricted, sensitive_fields, unnamed_columns
from scoring.conditions import Condition, leaves


def allowed_mapping(mapping: Mapping, settings: SignalSettings) -> tuple[Mapping, list[str]]:
    """Give the mapping that reads what is allowed, and what it reads that nobody has allowed."""
    problems = sensitive_fields(mapping, settings.sensitive)
    problems += unnamed_columns(mapping, load_mapping(mapping.crm), settings.columns) if settings.bare else []
    return restricted(mapping, settings.allow, bare=settings.bare), problems


def signal_problems(models: Models, settings: SignalSettings) -> list[str]:
    """Name the rules of the models that ask for what is not allowed, and so could never fire."""
    problems: list[str] = []
    for model in models.known():
        spec = model.spec
        asking = [(rule.id, rule.event, rule.where) for rule in spec.engagement]
        asking += [(rule.id, rule.event, rule.where) for rule in spec.multiply]
        for rule_id, types, where in asking:
            told = _unallowed(types or (), where, settings)
            problems += [f"signals: model {spec.model.id}, rule {rule_id} asks for {what}" for what in told]
    return list(dict.fromkeys(problems))


def _unallowed(types: Sequence[str], where: Condition | None, settings: SignalSettings) -> Iterator[str]:
    for kind in types:
        if settings.allow is not None and kind not in settings.allow:
            yield f"the event {kind!r}, which `allow` does not name"
    asked = {leaf.field.partition(".")[0] for leaf in leaves(where) if leaf.field}
    for name in TELLING:
        if settings.bare and name in asked:
            yield f"{name!r} of an event, which the profile hipaa leaves out"


def allowed(view: View, found: Relations) -> Relations:
    """See events of the allowed types alone, without what tells what somebody read."""
    settings = view.settings.signals
    if "events" not in found or (settings.allow is None and not settings.bare):
        return found
    telling = [name for name in TELLING if settings.bare and name in view.lake.columns("events")]
    left = f"* EXCLUDE ({', '.join(map(quoted, telling))})" if telling else "*"
    kept = "true" if settings.allow is None else f"type IN ({listed(settings.allow)})"
    return {**found, "events": f"(SELECT {left} FROM {found['events']} WHERE {kept})"}  # noqa: S608 - as above


def listed(values: tuple[str, ...]) -> str:
    """Write values as SQL has them between parentheses."""
    return ", ".join(map(literal, values)) or "NULL"
