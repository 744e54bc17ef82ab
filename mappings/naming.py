"""Which fields each model of a configuration writes: those of the mapping for the primary one, names of its own for
each further one, so that no two models write to the same field."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mappings.model import Mapping as CrmMapping
from mappings.model import ModelTarget, Role, WriteField
from mappings.wording import DESCRIPTIONS, LABELS
from scoring.names import nearest

PREFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*\Z")
_BRAND: Final = "Leadlight"
_LABEL_LENGTH: Final = 40  # of a Salesforce field's label
# https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/tooling_api_objects_customfield.htm
# https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
_NAME_LENGTH: Final = {"salesforce": 40, "hubspot": 100}


@dataclass(frozen=True)
class ModelUse:
    """Name a model of a configuration; prefix begins its fields' names where the configuration says so.

    primary: the first model of its role, which writes the mapping's own fields.
    """

    model_id: str
    role: Role
    primary: bool
    prefix: str | None = None


def bind_models(mapping: CrmMapping, uses: Sequence[ModelUse]) -> tuple[CrmMapping, list[str]]:
    """Give every model its fields in the CRM; returns the mapping that knows them, and every problem found.

    A model's fields are those of [write.model.ID] where the mapping has it; else those of [write.person] or
    [write.account], under names of its own unless it is the primary model and has no prefix.
    """
    named = [(use.model_id, _target(mapping, use)) for use in uses]
    targets = [target for _, target in named]
    targets += [target for target in mapping.write.targets if target.role not in {use.role for use in uses}]
    problems = [*_unknown(mapping, uses), *_too_long(mapping, targets), *_shared(named)]
    return mapping.model_copy(update={"write": mapping.write.bound(targets)}), problems


def _target(mapping: CrmMapping, use: ModelUse) -> ModelTarget:
    model_id = None if use.primary else use.model_id
    if use.model_id in mapping.write.model:
        named = {key: _described(spec, use) for key, spec in mapping.write.model[use.model_id].items()}
        return ModelTarget(use.role, model_id, f"write.model.{use.model_id}", named)
    own = mapping.write.person if use.role == "person" else mapping.write.account
    if use.primary and use.prefix is None:
        return ModelTarget(use.role, None, f"write.{use.role}", own)
    prefix = use.prefix or f"{_BRAND}_{_capitals(use.model_id)}"
    derived = {key: _described(_renamed(spec, prefix, mapping.crm), use) for key, spec in own.items()}
    return ModelTarget(use.role, model_id, f"model {use.model_id}", derived)


def _renamed(spec: WriteField, prefix: str, crm: str) -> WriteField:
    """Put a prefix before what follows the brand: Leadlight_Score__c becomes Leadlight_Expansion_Score__c."""
    own = spec.field.removesuffix("__c")
    brand = f"{_BRAND}_"
    rest = own[len(brand) :] if own.lower().startswith(brand.lower()) else own
    name = f"{prefix}_{rest}"
    return spec.model_copy(update={"field": name.lower() if crm == "hubspot" else f"{name}__c"})


def _described(spec: WriteField, use: ModelUse) -> WriteField:
    """Tell people which model a field is of."""
    if use.primary and use.prefix is None:
        return spec
    words = re.sub(r"[^A-Za-z0-9]+", " ", use.model_id)
    label = spec.label or f"{_BRAND} {words} {LABELS[spec.from_]}"
    description = spec.description or DESCRIPTIONS[spec.from_]
    told = {"label": label[:_LABEL_LENGTH].rstrip(), "description": f"{description} Model {use.model_id}."}
    return spec.model_copy(update=told)


def _capitals(model_id: str) -> str:
    return "_".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", model_id) if word)


def _unknown(mapping: CrmMapping, uses: Sequence[ModelUse]) -> Iterator[str]:
    known = [use.model_id for use in uses]
    for model_id in mapping.write.model:
        if model_id not in known:
            yield f"mapping: write.model.{model_id}: no [[model]] has this id{nearest(model_id, known)}"


def _too_long(mapping: CrmMapping, targets: Sequence[ModelTarget]) -> Iterator[str]:
    limit = _NAME_LENGTH[mapping.crm]
    for target in targets:
        lengths = {spec.field: len(spec.field.removesuffix("__c")) for spec in target.specs.values()}
        longest = max(lengths, key=lambda name: lengths[name], default="")
        if longest and lengths[longest] > limit and not target.key.startswith("write."):
            yield (
                f"{target.key}: {longest} has {lengths[longest]} characters, a field name {limit} at most;"
                f' set a shorter beginning in its [[model]], such as fields = "{_BRAND}_X"'
            )


def _shared(named: Sequence[tuple[str, ModelTarget]]) -> Iterator[str]:
    """Name the fields that two models would write, each overwriting the other for ever."""
    writers: dict[tuple[str, str], list[str]] = {}
    for model_id, target in named:
        for spec in target.specs.values():
            if spec.policy != "never":
                writers.setdefault((target.role, spec.field.lower()), []).append(model_id)
    for models, fields in _by_writers(writers).items():
        yield (
            f"models {' and '.join(models)} write to the same fields ({', '.join(fields)});"
            f" give {models[-1]} others: `fields` in its [[model]], or [write.model.{models[-1]}] in the mapping"
        )


def _by_writers(writers: Mapping[tuple[str, str], Sequence[str]]) -> dict[tuple[str, ...], list[str]]:
    """Group fields by those who write them, where more than one does."""
    found: dict[tuple[str, ...], list[str]] = {}
    for (_, field), names in writers.items():
        if len(names) > 1:
            found.setdefault(tuple(names), []).append(field)
    return found


__all__ = ["PREFIX", "ModelUse", "bind_models"]
