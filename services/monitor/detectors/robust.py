"""How far a value is from the others, where some of the others may be wild themselves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

MAD_SCALE: Final = 0.6745
"""The 0.75 quantile of the normal distribution: a MAD is so many standard deviations (Iglewicz & Hoaglin 1993, section 3.1)."""
MEAN_SCALE: Final = 1.253314
"""sqrt(pi / 2): a mean absolute deviation times this is a standard deviation. For where more than half of the values are the same."""


@dataclass(frozen=True)
class Robust:
    median: float
    deviation: float
    """As a standard deviation; 0 where all are the same."""

    def z(self, value: float) -> float:
        """The modified z-score; infinite above a row of equal values."""
        distance = value - self.median
        return distance / self.deviation if self.deviation else math.copysign(math.inf, distance) if distance else 0.0


def robust(values: Sequence[float]) -> Robust:
    middle = median(values)
    distances = [abs(value - middle) for value in values]
    mad = median(distances)
    return Robust(middle, mad / MAD_SCALE if mad else MEAN_SCALE * sum(distances) / len(distances))
