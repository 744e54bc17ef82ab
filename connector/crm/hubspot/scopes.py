"""The token's scopes, held against what is needed: every one that is missing, and every one too many."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from connector.crm.administration import Level, Right
from connector.crm.hubspot.client import Client
from connector.crm.hubspot.errors import Refused
from connector.errors import AuthError, Forbidden
from mappings.needs import Need

# https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
ENGAGEMENTS: Final = frozenset({"calls", "emails", "meetings", "notes", "tasks", "communications"})
OWNERS: Final = "crm.objects.owners.read"
SURFACES: Final = {
    "event:": "business-intelligence",
    "form:": "forms",
    "list:": "crm.lists.read",
    "marketing_event:": "crm.objects.marketing_events.read",
}
ALWAYS: Final = frozenset({"oauth", OWNERS})  # every app has the first
ACTING: Final = ("crm.lists.", "automation.sequences.")  # asked for by actions other than fields, owners and tasks
BODIES: Final = "sales-email-read"
WHERE: Final = "in the app's settings (Scopes)"


def token_rights(client: Client, needs: Sequence[Need], *, provisioned: bool) -> Iterator[Right]:
    """Name the scopes that are missing and those that are too much; one warning where the token's are not told."""
    try:
        scopes = frozenset(str(scope) for scope in client.token_info().json().get("scopes") or ())
    except (AuthError, Forbidden, Refused) as error:
        fix = "compare the app's scopes by hand with those of `leadlight provision --files`"
        yield Right("rights", "warning", f"the token's scopes cannot be asked for: {error.message}", fix)
        return
    missing = list(_missing(needs, scopes, provisioned=provisioned))
    yield from missing
    needed = needed_scopes(needs)
    if not missing:
        yield Right("rights", "ok", f"the token has all {len(needed)} scopes that are needed: {', '.join(needed)}")
    excess = list(_excess(scopes - set(needed) - ALWAYS, provisioned=provisioned))
    yield from excess
    if not excess:
        yield Right("excess rights", "ok", "none: the token may do no more than it needs")


def needed_scopes(needs: Sequence[Need]) -> dict[str, str]:
    """Say what each scope is for, those that only optional tables need after all others."""
    found = {OWNERS: "owners"}
    for need in sorted(needs, key=lambda need: need.optional):
        for scope in scopes_of(need):
            found.setdefault(scope, need.object)
    return dict(sorted(found.items()))


def scopes_of(need: Need) -> list[str]:
    """Name the scopes that one object takes; activities go with contacts."""
    beside = next((scope for prefix, scope in SURFACES.items() if need.object.startswith(prefix)), None)
    if beside is not None:
        return [beside]
    name = need.object.removeprefix("history:").partition(":")[0]
    plural = "contacts" if name in ENGAGEMENTS else name
    read, write = bool(need.reads or need.may_read), bool(need.edits or need.sets)
    verbs = [verb for verb, wanted in (("read", read or write), ("write", write)) if wanted]
    return [f"crm.objects.{plural}.{verb}" for verb in verbs]


def schema_scopes(needs: Sequence[Need]) -> list[str]:
    """Name the scopes that making our properties takes, once."""
    written = [scope for need in needs if need.edits or need.sets for scope in scopes_of(need)]
    return sorted({scope.replace(".objects.", ".schemas.") for scope in written if scope.endswith(".write")})


def _missing(needs: Sequence[Need], scopes: frozenset[str], *, provisioned: bool) -> Iterator[Right]:
    required = {scope for need in needs if not need.optional for scope in scopes_of(need)} | {OWNERS}
    for scope, what in needed_scopes(needs).items():
        if scope not in scopes:
            level: Level = "wrong" if scope in required else "warning"
            left_out = "" if scope in required else " (optional: left out without it)"
            yield Right("rights", level, f"scope {scope} is missing, for {what}{left_out}", f"grant it {WHERE}")
    lacking = [scope for scope in schema_scopes(needs) if scope not in scopes]
    if lacking and not provisioned:
        told = f"{' and '.join(lacking)} missing, which `leadlight provision` needs once"
        yield Right("rights", "warning", told, f"grant it {WHERE} until provision is done, or use provision --files")


def _excess(surplus: frozenset[str], *, provisioned: bool) -> Iterator[Right]:
    kinds = _by_kind(surplus, provisioned=provisioned)
    for told, scopes in kinds.items():
        if scopes:
            yield Right("excess rights", "warning", f"{told}: {', '.join(scopes)}", f"take away what is unused {WHERE}")


def _by_kind(surplus: Iterable[str], *, provisioned: bool) -> Mapping[str, list[str]]:
    kinds: dict[str, list[str]] = {
        "sensitive data": [],
        "the text of e-mails, which is never read": [],
        "changing properties, which is done": [],
        "more than the mapping needs": [],
    }
    sensitive, bodies, schemas, others = kinds.values()
    for scope in sorted(surplus):
        if "sensitive" in scope:
            sensitive.append(scope)
        elif scope == BODIES:
            bodies.append(scope)
        elif scope.startswith("crm.schemas."):
            if scope.endswith(".write") and provisioned:
                schemas.append(scope)
        elif not scope.startswith(ACTING):
            others.append(scope)
    return kinds
