"""Which actions a configuration has for a model, and what is wrong with them."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Lookup
from typing import Final

from connector.acting.actions import band_trigger, rule_trigger, template_problems
from connector.models import Line, Models
from connector.settings.acting import Action, AddAction
from connector.settings.file import Settings
from mappings.model import Mapping
from scoring.model import Model
from scoring.names import nearest

# HubSpot's own buying roles, and what titles are read as (mappings/transforms.py); a model's roll-up may name more.
ROLES: Final = frozenset(
    {"decision_maker", "champion", "budget_holder", "economic_buyer", "executive_sponsor", "influencer", "end_user"}
    | {"technical_buyer", "evaluator", "blocker", "legal_and_compliance", "other"}
    | {"c_level", "vp", "director", "manager", "staff"}
)
_INSTEAD: Final[Lookup[tuple[str, str], str]] = {
    ("salesforce", "list"): "Salesforce's list views are filters; name a campaign",
    ("salesforce", "sequence"): "Salesforce lets no program add people to a cadence; name a campaign, or set a field "
    "([write.nurture]) and let a flow of yours start the cadence",
    ("hubspot", "campaign"): "HubSpot's campaigns hold content and no people; name a list",
}


def role_name(role: str) -> str:
    """Bring a role to one spelling: Decision Maker and DECISION_MAKER are decision_maker."""
    return role.strip().lower().replace(" ", "_")


def trigger_of(action: Action, models: Models) -> str:
    """Name what opens an action's episodes."""
    named = line_of(action, models).named
    return rule_trigger(action.rule, named) if action.rule else band_trigger(action.band or "", named)


def line_of(action: Action, models: Models) -> Line:
    """Find the model that an action is for; without a name it is the primary one of people."""
    return next(line for line in models.lines if line.model.id == (action.model or models.people.id))


def actions_of(actions: Sequence[Action], models: Models, line: Line) -> tuple[Action, ...]:
    """List a model's actions in the order of the file."""
    return tuple(action for action in actions if line_of(action, models) == line)


def wording_problems(settings: Settings, models: Models) -> list[str]:
    """Check that actions name a model and its bands and rules, each once, roles that exist, templates that fill."""
    problems: list[str] = []
    taken: set[tuple[str, str | None, str | None]] = set()
    for action in settings.action:
        where = f"action.{action.band or action.rule}"
        named = (action.model or models.people.id, action.band, action.rule)
        if named in taken:
            problems.append(f"{where}: another [[action]] is for this {_kind(action)} of model {named[0]}")
        taken.add(named)
        problems += _model_problems(where, action, models)
        if action.task:
            words = {"subject": action.task.subject, "body": action.task.body}
            problems += template_problems(f"{where}.task", words)
    return problems


def state_problems(settings: Settings, models: Models, mapping: Mapping) -> Iterator[str]:
    """Check that what actions say of nurture and lifecycle has a field, and is one of its values."""
    nurturing = {action.model or models.people.id for action in settings.action if action.nurture is not None}
    if len(nurturing) > 1:
        yield f"action: nurture is one field, and the bands of {', '.join(sorted(nurturing))} would write it in turn"
    for action in settings.action:
        where, target = f"action.{action.band or action.rule}", mapping.write.lifecycle
        if action.nurture is not None and mapping.write.nurture is None:
            yield f'{where}.nurture: the mapping has no [write.nurture]; add it with field = "..."'
        if action.lifecycle is None:
            continue
        if target is None:
            advice = 'add it with field = "..." and order = [...]'
            yield f"{where}.lifecycle: the mapping has no [write.lifecycle]; {advice}"
        elif action.lifecycle not in target.order:
            near = nearest(action.lifecycle, target.order)
            yield f"{where}.lifecycle: {action.lifecycle!r} is not in order of [write.lifecycle]{near}"


def join_problems(settings: Settings) -> Iterator[str]:
    """Name what actions ask for that the CRM cannot do, and what to do instead."""
    for action in settings.action:
        if action.add_to is not None:
            what = _what(action.add_to)
            if advice := _INSTEAD.get((settings.crm.kind, what)):
                yield f"action.{action.band or action.rule}.add_to.{what}: {advice}"


def _what(asked: AddAction) -> str:
    return "campaign" if asked.campaign else "list" if asked.list else "sequence"


def _kind(action: Action) -> str:
    return "rule" if action.rule else "band"


def _model_problems(where: str, action: Action, models: Models) -> Iterator[str]:
    """Say what is wrong with the model, and the band or rule of it, that an action names."""
    known = {line.model.id: line.model for line in models.lines}
    model = known.get(action.model or models.people.id)
    if model is None:
        yield f"{where}: no [[model]] has the id {action.model!r}{nearest(action.model or '', known)}"
        return
    if action.rule:
        yield from _rule_problems(where, action.rule, model, list(known.values()))
    else:
        yield from _band_problems(where, action.band or "", model, list(known.values()))
    if model.spec.model.subject == "account" and action.owner is not None and action.owner.route:
        yield f"{where}.owner.route: [[route]] rules are about people; name a pool for accounts"
    if model.spec.model.subject == "account" and (action.nurture or action.lifecycle):
        yield f"{where}: model {model.id} scores accounts; nurture and lifecycle are fields of people"
    if model.spec.model.subject == "account" and action.add_to is not None and action.add_to.list is None:
        yield f"{where}.add_to: model {model.id} scores accounts; campaigns and sequences are for people"
    if action.roles is not None:
        yield from _role_problems(where, action, model)


def _band_problems(where: str, band: str, model: Model, known: Sequence[Model]) -> Iterator[str]:
    bands = [one.id for one in model.bands]
    if band not in bands:
        elsewhere = [other.id for other in known if any(one.id == band for one in other.bands)]
        hint = f"; model {elsewhere[0]} has: set model = {elsewhere[0]!r}" if elsewhere else nearest(band, bands)
        yield f"{where}: model {model.id} has no such band; it has {', '.join(bands)}{hint}"


def _rule_problems(where: str, rule: str, model: Model, known: Sequence[Model]) -> Iterator[str]:
    occurring = [one.id for one in model.spec.engagement if one.event is not None and one.no_event_for is None]
    if rule in occurring:
        return
    if any(one.id == rule for one in (*model.spec.fit, *model.spec.engagement)):
        yield f"{where}: rule {rule} of model {model.id} is about no event, so nothing can occur that it would tell"
        return
    elsewhere = [other.id for other in known if any(one.id == rule for one in other.spec.engagement)]
    hint = f"; model {elsewhere[0]} has: set model = {elsewhere[0]!r}" if elsewhere else nearest(rule, occurring)
    yield f"{where}: model {model.id} has no such rule of events{hint}"


def _role_problems(where: str, action: Action, model: Model) -> Iterator[str]:
    if model.spec.model.subject != "account":
        yield f"{where}.roles: model {model.id} scores people; roles are for a model of accounts"
        return
    spec = model.spec
    weighed = [name for name, _ in spec.rollup.role_weights] if spec.rollup else []
    covered = spec.coverage.roles if spec.coverage else ()
    known = {role_name(role) for role in (*weighed, *covered)} | ROLES
    for role in action.roles or ():
        if role_name(role) not in known:
            yield (
                f"{where}.roles: {role!r} is no role that is known{nearest(role, known)}; "
                "one of your own is known once the model names it (role_weights, coverage)"
            )
