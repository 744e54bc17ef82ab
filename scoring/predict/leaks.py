"""Fields that know the answer: judged by what they betray on their own; blocked, or off until a person allows them.

Rows built as of their time are the defence; this is a backstop. A field can leak and betray nothing alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

BLOCK_AUC: Final = 0.98
BLOCK_MISSING_AUC: Final = 0.90
BLOCK_PURE_SHARE: Final = 0.25
BLOCK_CHANGED_AFTER: Final = 0.50
ASK_AUC: Final = 0.85
ASK_PURE_SHARE: Final = 0.08
ASK_BETTER_THAN_NEXT: Final = 1.15
ASK_BETTER_FROM: Final = 0.75  # below, one honest field among weak ones would be asked for
ASK_CERTAIN_SHARE: Final = 0.10
PURE: Final = 0.01
PURE_ROWS: Final = 30
_NAMES: Final = re.compile(
    r"stage|status|reason|closed|(^|[_. ])won|(^|[_. ])lost|convert|quality|disposition|last[_ ]?notable|outcome|tags",
    re.IGNORECASE,
)

Action = Literal["block", "ask"]


@dataclass(frozen=True)
class Betrayal:
    """What one field says about conversion alone, over rows of training.

    auc: of its rate per value or bin, each worked out on other rows. missing_auc: of whether it is filled, on either
    side of 0.5. pure_share: of all rows, those in values that convert (nearly) always or never. certain_share: of all
    conversions, those in values that convert (nearly) always. changed_after_share: of the converted whose last change
    of it is known, those that changed after the conversion; null where no change is known. is_behaviour: it is worked
    out from events before the row's time, so that its name and people who did nothing say nothing against it.
    """

    name: str
    auc: float
    missing_auc: float
    pure_share: float
    certain_share: float = 0.0
    changed_after_share: float | None = None
    is_behaviour: bool = False


@dataclass(frozen=True)
class Suspect:
    """A field that is left out, and why; `ask` ones come in once a person allows them."""

    name: str
    action: Action
    why: str


def judge(
    fields: Sequence[Betrayal],
    allowed: Sequence[str] = (),
    told: Mapping[str, str] | None = None,
    doubts: Mapping[str, str] | None = None,
) -> list[Suspect]:
    """Name the fields to leave out. A person may allow any that is asked for, never one that is blocked.

    told gives the name of a field in the data where a feature's differs, for the check of names; doubts say why a
    feature is asked about whatever it betrays.
    """
    names = told or {}
    found: dict[str, Suspect] = {}
    for field in fields:
        certain = list(_blocking(field))
        asked = [*_asking(field, names.get(field.name, field.name)), *_doubt(field.name, doubts or {})]
        if certain:
            found[field.name] = Suspect(field.name, "block", "; ".join(certain))
        elif asked and field.name not in allowed and names.get(field.name) not in allowed:
            found[field.name] = Suspect(field.name, "ask", "; ".join(asked))
    # Only against what is left: beside a field that tells all, one that tells much would look like any other.
    for field, why in _standing_out([one for one in fields if one.name not in found]):
        if field.name not in allowed and names.get(field.name) not in allowed:
            found[field.name] = Suspect(field.name, "ask", why)
    return [found[field.name] for field in fields if field.name in found]


def _doubt(name: str, doubts: Mapping[str, str]) -> Iterator[str]:
    if name in doubts:
        yield doubts[name]


def _blocking(field: Betrayal) -> Iterator[str]:
    if field.auc > BLOCK_AUC:
        yield f"alone it tells converted from not (AUC {field.auc:.3f})"
    if field.missing_auc > BLOCK_MISSING_AUC and not field.is_behaviour:
        yield f"whether it is filled tells converted from not (AUC {field.missing_auc:.3f})"
    if field.pure_share > BLOCK_PURE_SHARE and not field.is_behaviour:
        yield f"{field.pure_share:.0%} of rows have a value that always or never converts"
    if field.changed_after_share is not None and field.changed_after_share > BLOCK_CHANGED_AFTER:
        yield f"in {field.changed_after_share:.0%} of the converted it changed after the conversion"


def _asking(field: Betrayal, name: str) -> Iterator[str]:
    if field.auc > ASK_AUC:
        yield f"alone it ranks suspiciously well (AUC {field.auc:.3f})"
    if field.is_behaviour:
        return
    if field.pure_share > ASK_PURE_SHARE:
        yield f"{field.pure_share:.0%} of rows have a value that always or never converts"
    if field.certain_share > ASK_CERTAIN_SHARE:
        yield f"{field.certain_share:.0%} of conversions have a value that always converts"
    if _NAMES.search(name):
        yield f"'{name}' sounds like something that is known only afterwards"


def _standing_out(fields: Sequence[Betrayal]) -> Iterator[tuple[Betrayal, str]]:
    """Walk the fields that are above .75 and 1.15 times as high as what follows, or above such a one.

    Behaviour is as of its time: what it ranks as well as is no wonder.
    """
    ranked = sorted((field.auc for field in fields), reverse=True)
    honest = max((field.auc for field in fields if field.is_behaviour), default=0.0)
    gaps = [pair for pair in pairwise(ranked) if pair[0] > max(ASK_BETTER_FROM, ASK_BETTER_THAN_NEXT * pair[1])]
    if gaps:
        high, low = gaps[-1]
        for field in fields:
            if field.auc >= high and field.auc > honest:
                yield field, f"it ranks far better than the other fields (AUC {field.auc:.3f}, the next {low:.3f})"
