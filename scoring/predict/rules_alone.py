"""The rules of a model file without the trained model beside them: what alpha and beta are fitted on."""

import hashlib
import json
from typing import Any, Final

from scoring.specification import Specification

_DIGITS: Final = 12
_NO_POINTS: Final = {"combine", "band", "grade", "override", "needs_quality", "test"}
_WORDS: Final = frozenset({"label", "reason"})


def rules_alone(specification: Specification) -> Specification:
    """Give a model file as its rules alone."""
    kind = "weighted" if specification.combine.weighs else "sum"
    alone = specification.combine.model_copy(update={"kind": kind, "shadow": False})
    return specification.model_copy(update={"combine": alone})


def rules_hash(specification: Specification) -> str:
    """Give 12 hex digits of all that decides points: neither words nor bands, nor how a trained model is used."""
    content = specification.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_NO_POINTS)
    weights = [specification.combine.fit, specification.combine.engagement]
    text = json.dumps([_without_words(content), weights], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _without_words(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {key: _without_words(inner) for key, inner in value.items() if key not in _WORDS}
    return [_without_words(inner) for inner in value] if isinstance(value, list) else value
