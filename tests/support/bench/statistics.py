"""The arithmetic of reports: medians, quartiles, shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some figures and the quartiles around it."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        return cls(*(quantile(figures, share) for share in (0.25, 0.5, 0.75)))


def uncertainty(figures: Sequence[float]) -> float:
    """Half the width of the interval that holds the true median in 95 of 100 cases.

    By order statistics: nothing is supposed of how the figures are distributed.
    """
    reach = 0.98 / sqrt(len(figures))
    low, high = (quantile(figures, min(max(0.5 + side, 0), 1)) for side in (-reach, reach))
    return (high - low) / 2


def quantile(figures: Sequence[float], share: float) -> float:
    """The figure below which that share of all lies; between two figures, in proportion."""
    ordered = sorted(figures)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def ratios(mine: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Each figure as a part of the other's of the same round."""
    return [one / other for one, other in zip(mine, theirs, strict=True)]
