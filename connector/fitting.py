"""Whether a mapping fits the CRM it meets: one that never did is refused, one that did goes on with what is left."""

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence

import structlog

from connector.errors import AuthError, ConfigError
from connector.models import Models
from connector.settings.enrichment import EnrichSettings
from connector.store import fitted
from mappings.check import Bands, Describes, check_mapping
from mappings.drift import Fitted, without_misfits
from mappings.model import Mapping as CrmMapping
from mappings.prune import prune
from scoring.model import check_known
from scoring.schema import EVENT_TYPES, TABLES

log = structlog.get_logger()


def fit(
    state: sqlite3.Connection,
    models: Models,
    mapping: CrmMapping,
    describes: Describes,
    refused: Mapping[str, str],
    *,
    writes_crm: bool,
    enriched: Sequence[EnrichSettings] = (),
) -> Fitted:
    """Give the mapping as it can be used now, with what was switched off since it fitted last.

    refused are rights that the vendor named (object to right). Raises what `refuse_misfits` does for a mapping that
    never fitted as it is, or where nobody is left to score.
    """
    bands, pruned, digest = bands_of(models, mapping), prune(mapping, describes), digest_of(mapping)
    if fitted.is_known(state, digest):
        trimmed = without_misfits(pruned, describes, bands)
        if trimmed.mapping.objects("people"):
            refuse_misfits(
                models, trimmed.mapping, describes, {}, bands, writes_crm=writes_crm, known=pruned, enriched=enriched
            )
            return _told(trimmed, [right for name, right in refused.items() if name in pruned.read])
    refuse_misfits(models, pruned, describes, refused, bands, writes_crm=writes_crm, enriched=enriched)
    if writes_crm:
        fitted.remember(state, digest)
    return Fitted(pruned)


def _told(trimmed: Fitted, rights: list[str]) -> Fitted:
    told = tuple(dict.fromkeys([*rights, *trimmed.switched_off]))
    for what in told:
        log.warning("switched off", what=what)
    return Fitted(trimmed.mapping, told)


def digest_of(mapping: CrmMapping) -> str:
    """Give the hash of a mapping file together with the fields that each model of the configuration writes."""
    written = [(t.key, sorted((name, spec.hash) for name, spec in t.specs.items())) for t in mapping.write.targets]
    said = f"{mapping.hash} creating" if mapping.creates else mapping.hash
    return hashlib.sha256(repr((said, written)).encode()).hexdigest()[:24]


def bands_of(models: Models, mapping: CrmMapping) -> Bands:
    """List the bands that each model may write, by the key of its fields."""
    keys = {(target.role, target.model_id): target.key for target in mapping.write.targets}
    return {
        key: [band.id for band in line.model.bands]
        for line in models.lines
        if (key := keys.get((line.role, line.id))) is not None
    }


def refuse_misfits(
    models: Models,
    mapping: CrmMapping,
    describes: Describes,
    refused: Mapping[str, str],
    bands: Bands,
    *,
    writes_crm: bool,
    known: CrmMapping | None = None,
    enriched: Sequence[EnrichSettings] = (),
) -> None:
    """Raise ConfigError where the mapping does not fit the CRM, or the model asks for what the mapping does not give.

    Raises AuthError where a right is missing that the vendor named (object to right, as `Crm.refused` has it). Fields
    of ours that are not provisioned yet are a problem only for a run that writes. known: the mapping that says which
    columns there are, where another one than that which is read.
    """
    problems = [
        *check_mapping(mapping, describes, new_fields_ok=not writes_crm, bands=bands),
        *model_problems(models, known or mapping, enriched),
    ]
    missing = [right for name, right in refused.items() if name in mapping.read and not mapping.read[name].optional]
    if missing:
        raise AuthError("\n".join([*missing, *problems]))
    if problems:
        raise ConfigError(problems)


def model_problems(models: Models, mapping: CrmMapping, enriched: Sequence[EnrichSettings] = ()) -> list[str]:
    """Name the fields of the models that no table has, with what is enriched.

    Event types are open, since data may bring new ones.
    """
    made = {of: {enrich.attribute for enrich in enriched if enrich.of == of} for of in ("people", "accounts")}
    people = _columns(mapping, "people") | set(TABLES["people"].columns) | made["people"]
    accounts = _columns(mapping, "accounts") | set(TABLES["accounts"].columns) | made["accounts"]
    known = frozenset({*people, "email_domain", *(f"account.{name}" for name in people | accounts)})
    problems: list[str] = []
    for model in models.known():
        events = frozenset(EVENT_TYPES) | frozenset(model.spec.events.custom)
        own = known | accounts if model.spec.model.subject == "account" else known
        problems += check_known(model, own, events)
    return list(dict.fromkeys(problems))


def _columns(mapping: CrmMapping, table: str) -> set[str]:
    return {name for read in mapping.read.values() if read.table == table for name in read.columns()}
