"""What won deals share against lost ones, where there are too few to train on: shares with intervals, and no model."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scoring.predict.evaluate_intervals import newcombe, wilson
from scoring.predict.words import edge_words

NEWEST: Final = 100
LEAST_WON: Final = 10
LEAST_SHARED: Final = 3
_TERTILES: Final = 3


@dataclass(frozen=True)
class Shared:
    """One thing that won or lost deals have in common.

    won and lost are those that have it, of n_won and n_lost; the shares come with their 95 % intervals (Wilson 1927),
    their difference with Newcombe's (1998). is_clear: zero is outside the latter.
    """

    name: str
    value: str
    won: int
    n_won: int
    lost: int
    n_lost: int

    @property
    def difference(self) -> float:
        """Give how much larger the share among won deals is."""
        return self.won / self.n_won - self.lost / self.n_lost

    @property
    def interval(self) -> tuple[float, float]:
        """Give the 95 % interval of the difference."""
        return newcombe((self.won, self.n_won), (self.lost, self.n_lost))

    @property
    def is_clear(self) -> bool:
        """Tell whether the difference is more than chance gives one time in twenty."""
        low, high = self.interval
        return low > 0 or high < 0

    def as_dict(self) -> dict[str, Any]:
        """Give it as the command's JSON has it."""
        low, high = self.interval
        return {
            "name": self.name,
            "value": self.value,
            "won": self.won,
            "n_won": self.n_won,
            "won_share": round(self.won / self.n_won, 4),
            "won_interval": [round(one, 4) for one in wilson(self.won, self.n_won)],
            "lost": self.lost,
            "n_lost": self.n_lost,
            "lost_share": round(self.lost / self.n_lost, 4),
            "difference": round(self.difference, 4),
            "interval": [round(low, 4), round(high, 4)],
            "clear": self.is_clear,
        }


def shared(
    won: Sequence[Mapping[str, Any]], lost: Sequence[Mapping[str, Any]], labels: Mapping[str, str]
) -> list[Shared]:
    """Compare won with lost deals, field by field: texts by value, numbers by thirds of all; the clearest first.

    Each row has a value per name of `labels`, which gives its words. Values that fewer than three of either side have
    are left out, and an unknown value is none. Raises ValueError where there is nothing to compare.
    """
    if not won or not lost:
        raise ValueError("won and lost deals are both needed to compare")
    found: list[Shared] = []
    for name, label in labels.items():
        both = [row.get(name) for row in (*won, *lost)]
        read = _thirds(both) if _is_numeric(both) else _texts
        counts = [Counter(value for row in rows if (value := read(row.get(name))) is not None) for rows in (won, lost)]
        for value in sorted({*counts[0], *counts[1]}):
            if max(counts[0][value], counts[1][value]) >= LEAST_SHARED:
                found.append(Shared(label, value, counts[0][value], len(won), counts[1][value], len(lost)))
    return sorted(found, key=lambda one: (not one.is_clear, -abs(one.difference), one.name, one.value))


def _is_numeric(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)


def _thirds(values: Sequence[Any]) -> Callable[[Any], str | None]:
    """Make what names the third of all known numbers that a number is in; few different ones are named themselves."""
    known = sorted(float(value) for value in values if value is not None)
    few = len(set(known)) <= _TERTILES
    low, high = (known[len(known) * k // _TERTILES] for k in (1, 2))
    words = edge_words(low), edge_words(high)

    def third(value: Any) -> str | None:  # noqa: ANN401 - a value of a row
        if value is None:
            return None
        if few:
            return edge_words(value)
        if value < low:
            return f"below {words[0]}"
        return f"{words[0]} to below {words[1]}" if value < high else f"{words[1]} and more"

    return third


def _texts(value: Any) -> str | None:  # noqa: ANN401 - as above
    return None if value is None else str(value)
