"""The connecting user's rights, held against what is needed: every one that is missing, and every one too many."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from connector.crm.administration import Right
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.granted import Granted, read_granted
from connector.crm.salesforce.schema import Schema
from connector.errors import AuthError, BatchRefused
from mappings.needs import Need

ADMINISTRATOR: Final = "System Administrator"
ALL_READ: Final = ("PermissionsViewAllData", "PermissionsModifyAllData")
ALL_WRITE: Final = ("PermissionsModifyAllData",)
SYSTEM: Final = {
    "PermissionsApiEnabled": "API Enabled",
    "PermissionsActivitiesAccess": "Access Activities",
    "PermissionsEditTask": "Edit Tasks",
    "PermissionsTransferAnyLead": "Transfer Leads",
    "PermissionsTransferAnyEntity": "Transfer Record",
}
TOO_MUCH: Final = {
    "PermissionsModifyAllData": "Modify All Data",
    "PermissionsViewAllData": "View All Data",
    "PermissionsManageUsers": "Manage Users",
    "PermissionsAuthorApex": "Author Apex",
}
FOR_PROVISION: Final = {"PermissionsCustomizeApplication": "Customize Application"}
# activities go by Edit Tasks and the right to their person, and what follows by the right to another object
ACTIVITIES: Final = frozenset({"Task", "Event"})
NO_OBJECT_RIGHTS: Final = ACTIVITIES | {
    "CampaignMember", "CurrencyType", "EmailMessage", "EmailMessageRelation", "OpportunityContactRole", "RecordType",
}  # fmt: skip
HISTORY: Final = "History"
WORDS: Final = {"ModifyAllRecords": "Modify All", "Edit": "Edit", "Create": "Create", "Delete": "Delete"}
NAMED: Final = 5  # of a long list
SET: Final = "permission set Leadlight"


def user_rights(gateway: Gateway, schema: Schema, needs: Sequence[Need], *, provisioned: bool) -> Iterator[Right]:
    """Name what is missing and what is too much; one warning where the user may not look at its own rights."""
    asked = [*SYSTEM, *TOO_MUCH, *FOR_PROVISION]
    try:
        granted = read_granted(gateway, asked)
    except (AuthError, BatchRefused) as error:
        fix = "give the user View Setup and Configuration, or look at its permission sets in Setup"
        yield Right("rights", "warning", f"permission sets cannot be looked at: {error.message}", fix)
        return
    missing = [*_system_missing(granted, needs), *_objects_missing(granted, schema, needs)]
    yield from missing
    if not missing:
        yield Right("rights", "ok", _summary(granted, needs))
    excess = [*_system_excess(granted, provisioned=provisioned), *_objects_excess(granted, needs)]
    excess += _fields_excess(granted, needs)
    yield from excess
    if not excess:
        yield Right("excess rights", "ok", "none: the connecting user may do no more than it needs")


def _has(granted: Granted, *rights: str) -> bool:
    return any(right in granted.system for right in rights)


def _system_missing(granted: Granted, needs: Sequence[Need]) -> Iterator[Right]:
    if not _has(granted, "PermissionsApiEnabled"):
        yield _missing("API Enabled", "without it the next login is refused")
    if any(need.object == "Task" and need.sets for need in needs) and not _has(granted, "PermissionsEditTask"):
        yield _missing("Edit Tasks", "tasks cannot be made")
    if any(need.object in ACTIVITIES for need in needs) and not _has(granted, "PermissionsActivitiesAccess"):
        yield _missing("Access Activities", "tasks and events cannot be read")
    moved = [need.object for need in needs if need.moves]
    if _has(granted, "PermissionsTransferAnyEntity", *ALL_WRITE):
        return
    if "Lead" in moved and not _has(granted, "PermissionsTransferAnyLead"):
        yield _missing("Transfer Leads", "leads of others cannot be given to a new owner")
    others = [name for name in moved if name != "Lead" and f"{name}.ModifyAllRecords" not in granted.objects]
    if others:
        yield _missing("Transfer Record", f"{' and '.join(others)} records of others cannot be given to a new owner")


def _missing(right: str, because: str) -> Right:
    return Right("rights", "wrong", f"{right} is missing: {because}", f"grant {right} through the {SET}")


def _objects_missing(granted: Granted, schema: Schema, needs: Sequence[Need]) -> Iterator[Right]:
    for need in needs:
        if _goes_by_another(need.object) or (need.optional and schema.describe(need.object) is None):
            continue
        lacking = [verb for verb in _verbs(need) if not _may(granted, need.object, verb)]
        if lacking:
            yield _missing(f"{' and '.join(lacking)} on {need.object}", "the mapping needs it")


def _goes_by_another(name: str) -> bool:
    """Tell whether the rights to an object are those to another one: the history of a record goes by the record."""
    return name in NO_OBJECT_RIGHTS or name.endswith(HISTORY)


def _verbs(need: Need) -> list[str]:
    wanted = {"Read": True, "Create": bool(need.sets), "Edit": bool(need.edits)}
    return [verb for verb, asked in wanted.items() if asked]


def _may(granted: Granted, name: str, verb: str) -> bool:
    if f"{name}.{verb}" in granted.objects or f"{name}.ModifyAllRecords" in granted.objects:
        return True
    if verb == "Read" and f"{name}.ViewAllRecords" in granted.objects:
        return True
    return _has(granted, *(ALL_READ if verb == "Read" else ALL_WRITE))


def _system_excess(granted: Granted, *, provisioned: bool) -> Iterator[Right]:
    if granted.profile == ADMINISTRATOR:
        fix = 'give the user a profile that may only use the API ("Minimum Access - API Only Integrations")'
        yield Right("excess rights", "warning", f"the connecting user has the profile {ADMINISTRATOR}", fix)
    for right, label in TOO_MUCH.items():
        if right in granted.system:
            yield _excess(label, granted.system[right])
    for right, label in FOR_PROVISION.items():
        if right in granted.system and provisioned:
            yield _excess(f"{label} (needed by provision alone, which is done)", granted.system[right])


def _objects_excess(granted: Granted, needs: Sequence[Need]) -> Iterator[Right]:
    needed = {f"{need.object}.{verb}" for need in needs for verb in _verbs(need)}
    surplus: dict[str, list[str]] = {}
    sources: dict[str, None] = {}
    for right, labels in sorted(granted.objects.items()):
        name, _, verb = right.rpartition(".")
        if right not in needed and verb in WORDS:
            surplus.setdefault(name, []).append(WORDS[verb])
            sources |= dict.fromkeys(labels)
    if surplus:
        told = _list(f"{name} ({', '.join(sorted(verbs))})" for name, verbs in surplus.items())
        yield _excess(f"objects: {told}", tuple(sources))


def _fields_excess(granted: Granted, needs: Sequence[Need]) -> Iterator[Right]:
    written = {f"{need.object}.{field}" for need in needs for field in (*need.edits, *need.sets)}
    surplus = {field: labels for field, labels in sorted(granted.edited.items()) if field not in written}
    if surplus:
        sources = dict.fromkeys(label for labels in surplus.values() for label in labels)
        told = f"editing {len(surplus)} fields that are not written: {_list(surplus)}"
        yield _excess(told, tuple(sources))


def _excess(what: str, sources: Sequence[str]) -> Right:
    return Right("excess rights", "warning", f"{what}; given by {' and '.join(sources)}", "take it away there")


def _list(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return ", ".join(known[:NAMED]) + more


def _summary(granted: Granted, needs: Sequence[Need]) -> str:
    edited = [need.object for need in needs if need.edits]
    system = [label for right, label in SYSTEM.items() if right in granted.system]
    return f"reads {len(needs)} objects, edits {', '.join(edited)}; {', '.join(system)}"
