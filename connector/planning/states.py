"""Fields that say what is done with a person: nurture, by band, and lifecycle, which only moves forward."""

from connector.acting.actions import band_trigger
from connector.job import Job
from connector.planning.diff import Mirror, Rendered
from connector.planning.draft import LineRules, Rules, StateFields
from connector.planning.records import Record
from connector.settings.acting import Action


def state_fields(job: Job) -> StateFields:
    """Read where nurture and lifecycle are written: each field, and the objects that have it."""
    write = job.mapping.write
    known = {name: job.describes[name].fields for name in job.mapping.objects("people") if name in job.describes}
    having = {
        field: frozenset(name for name, fields in known.items() if field in fields) for field in write.states.values()
    }
    return StateFields(write.nurture, write.lifecycle, having)


def state_changes(rules: Rules, about: LineRules, row: Record, action: Action | None, mirror: Mirror) -> Rendered:
    """List what a band means for nurture and lifecycle as {field: (before, after)}."""
    if about.line.role != "person":
        return {}
    found = dict(_nurture(rules, about, row, action, mirror))
    if action is not None and action.lifecycle is not None:
        key = (row["object"], row["record_id"], band_trigger(action.band or "", about.line.named))
        found |= lifecycle_change(rules, row, action, mirror, opens=key not in rules.open)
    return found


def lifecycle_change(rules: Rules, row: Record, action: Action, mirror: Mirror, *, opens: bool) -> Rendered:
    """Move a person forward, never back; who put it back after we had written it is not overruled in an episode."""
    target, wanted = rules.states.lifecycle, action.lifecycle
    if target is None or wanted is None or row["object"] not in rules.states.having[target.field]:
        return {}
    current = mirror.current(target.field)
    if mirror.written.get(target.field) == wanted and not opens:
        return {}
    return {target.field: (current, wanted)} if target.is_before(current, wanted) else {}


def _nurture(rules: Rules, about: LineRules, row: Record, action: Action | None, mirror: Mirror) -> Rendered:
    """Let the field follow the band, where it is empty or what we wrote last; another value is a person's."""
    target = rules.states.nurture
    asked = any(one.nurture is not None for one in about.actions.values())
    if target is None or not asked or row["object"] not in rules.states.having[target.field]:
        return {}
    wanted = action.nurture if action else None
    current = mirror.current(target.field) or None
    if current == wanted or (current is not None and current != mirror.written.get(target.field)):
        return {}
    return {target.field: (current, wanted)}
