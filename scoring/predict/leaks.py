"""Fields that know the answer: judged by what they betray on their own; blocked, or off until a person allows them.

Rows built as of their time are the defence; this is a backstop. A field can leak and betray nothing alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
    fields: Sequence[Betrayal], allowed: Sequence[str] = (), told: Mapping[str, str] | None = None
) -> list[Suspect]:
    """Name the fields to leave out. A person may allow any that is asked for, never one that is blocked.

    told gives the name of a field in the data where a feature's differs, for the check of names.
    """
    names = told or {}
    ranked = sorted((field.auc for field in fields), reverse=True)
    found: list[Suspect] = []
    for field in fields:
        certain = list(_blocking(field))
        doubts = list(_asking(field, ranked, names.get(field.name, field.name)))
        if certain:
            found.append(Suspect(field.name, "block", "; ".join(certain)))
        elif doubts and field.name not in allowed and names.get(field.name) not in allowed:
            found.append(Suspect(field.name, "ask", "; ".join(doubts)))
    return found


def _blocking(field: Betrayal) -> Iterator[str]:
    if field.auc > BLOCK_AUC:
        yield f"alone it tells converted from not (AUC {field.auc:.3f})"
    if field.missing_auc > BLOCK_MISSING_AUC and not field.is_behaviour:
        yield f"whether it is filled tells converted from not (AUC {field.missing_auc:.3f})"
    if field.pure_share > BLOCK_PURE_SHARE and not field.is_behaviour:
        yield f"{field.pure_share:.0%} of rows have a value that always or never converts"
    if field.changed_after_share is not None and field.changed_after_share > BLOCK_CHANGED_AFTER:
        yield f"in {field.changed_after_share:.0%} of the converted it changed after the conversion"


def _asking(field: Betrayal, ranked: Sequence[float], name: str) -> Iterator[str]:
    if field.auc > ASK_AUC:
        yield f"alone it ranks suspiciously well (AUC {field.auc:.3f})"
    if field.is_behaviour:
        return
    if field.pure_share > ASK_PURE_SHARE:
        yield f"{field.pure_share:.0%} of rows have a value that always or never converts"
    if field.certain_share > ASK_CERTAIN_SHARE:
        yield f"{field.certain_share:.0%} of conversions have a value that always converts"
    best = len(ranked) > 1 and field.auc == ranked[0] > ASK_BETTER_FROM
    if best and field.auc > ASK_BETTER_THAN_NEXT * ranked[1]:
        yield f"it ranks far better than any other field (AUC {field.auc:.3f}, the next {ranked[1]:.3f})"
    if _NAMES.search(name):
        yield f"'{name}' sounds like something that is known only afterwards"
