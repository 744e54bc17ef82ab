"""Which of several accounts a person belongs to: the surest, else by the tie-breakers, else none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connector.matching.linked import AMBIGUOUS
from connector.matching.sides import Account, Person
from connector.matching.weigh import Candidate
from connector.settings.matching import MatchingSettings, TieBreaker

DECIMALS: Final = 4
_NAMED: Final = 3
_Rank = Callable[[Person, Account], Any]


def _age(_person: Person, account: Account) -> tuple[int, str]:
    """Order ids as they were given: a longer number is a later one."""
    return (len(account.id), account.id)


_RANKS: Final[Mapping[TieBreaker, tuple[_Rank, str]]] = {
    "same_country": (
        lambda person, account: not (person.country and person.country == account.country),
        "same country",
    ),
    "open_opportunity": (lambda _, account: not account.has_opportunity, "has an open opportunity"),
    "customer": (lambda _, account: account.type != "customer", "is a customer"),
    "same_owner": (
        lambda person, account: not (person.owner_id and person.owner_id == account.owner_id),
        "has the same owner",
    ),
    "most_people": (lambda _, account: -account.people, "has more people"),
    "oldest": (_age, "is older"),
}


@dataclass(frozen=True)
class Decision:
    """Say which account was chosen, null where none could be; rivals are the others that were as sure."""

    person_id: str
    chosen: Candidate | None
    method: str
    evidence: str
    rivals: tuple[Candidate, ...] = ()

    def row(self) -> dict[str, Any]:
        """Give the row of the table of matches."""
        chosen = self.chosen
        return {
            "person_id": self.person_id,
            "account_id": chosen.account.id if chosen else None,
            "method": self.method,
            "confidence_share": round(chosen.confidence_share, DECIMALS) if chosen else None,
            "evidence": self.evidence,
            "rivals": [rival.account.id for rival in self.rivals],
        }


def decide(person: Person, candidates: Sequence[Candidate], settings: MatchingSettings) -> Decision | None:
    """Choose among candidates, in whatever order they come; null where there is none."""
    if not candidates:
        return None
    ordered = sorted(candidates, key=lambda one: (-one.confidence_share, _age(person, one.account)))
    least = ordered[0].confidence_share - settings.margin_share
    near = [one for one in ordered if one is ordered[0] or one.confidence_share > least]
    if len(near) == 1:
        return Decision(person.id, near[0], near[0].method, near[0].evidence)
    if settings.conflicts == "leave" or not _may_be_one(near):
        return _ambiguous(person, near)
    chosen, why = _broken(person, near, settings)
    if chosen is None:
        return _ambiguous(person, near)
    rivals = tuple(one for one in near if one is not chosen)
    return Decision(
        person.id, chosen, chosen.method, f"{chosen.evidence}; taken before {_names(rivals)}: {why}", rivals
    )


def _may_be_one(near: Sequence[Candidate]) -> bool:
    """Tell whether accounts may be records of one company: none has a domain of its own that another lacks."""
    return len({one.account.site for one in near if one.account.site}) < 2


def _broken(person: Person, near: Sequence[Candidate], settings: MatchingSettings) -> tuple[Candidate | None, str]:
    left = list(near)
    for name in settings.tie_breakers:
        rank, words = _RANKS[name]
        best = min(rank(person, one.account) for one in left)
        left = [one for one in left if rank(person, one.account) == best]
        if len(left) == 1:
            return left[0], words
    return None, ""


def _ambiguous(person: Person, near: Sequence[Candidate]) -> Decision:
    told = f"{near[0].evidence}: {_names(near)}"
    return Decision(person.id, None, AMBIGUOUS, told, tuple(near))


def _names(candidates: Sequence[Candidate]) -> str:
    shown = [f"{one.account.label} ({one.account.id})" for one in candidates[:_NAMED]]
    return ", ".join(shown) + (f" and {len(candidates) - _NAMED:,} more" if len(candidates) > _NAMED else "")
