"""What a metric is: how it is named, printed and compared, and the function that computes it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

    from mtlbench.tasks.scored import Scored

Direction = Literal["higher", "lower", "one", "neither"]
"""What is better: a higher value, a lower one, one nearer to 1, or neither, as of a coverage."""


SHARE = (0.0, 1.0)
NOT_NEGATIVE = (0.0, math.inf)
ROUNDING = 1e-6
"""Beyond its range that a value may lie: sums of many rows are rounded, on an accelerator in float32."""


@dataclass(frozen=True)
class Metric:
    """One number of how well a task is predicted on the rows of a split that have a label."""

    key: str
    """Name in records, never to be changed."""
    label: str
    """Name in tables."""
    direction: Direction
    explanation: str
    """What it is, in a sentence for captions."""
    undefined: str
    """When it has no value, for captions and messages."""
    range: tuple[float, float]
    """The least and the largest value that it can have, whatever is predicted; both may be infinite."""
    compute: "Callable[[Scored], float]"
    """Its value; NaN where it is undefined."""
    digits: int = 4
    """Digits that are printed behind the point; of a metric ``in_unit``, significant digits."""
    in_unit: bool = False
    """Whether the value is in the label's unit, and so of any size."""
    needs: Literal["session", "user"] | None = None
    """What rows must carry; without it the metric is left out, not undefined."""
    chance_and_best: tuple[float, float] | None = None
    """Its value for predictions that know nothing of the inputs, and the best one, where labels do not decide them."""
    tabulated: bool = True
    """Whether tables have a column for it; the others are in records alone."""
    influence: "Callable[[Scored], Tensor] | None" = None
    """How much each row moves the value, (N,) float64: its derivative by the number of times that the row counts. A
    metric that is primary for a kind needs it."""

    @property
    def lower_is_better(self) -> bool:
        """Whether lower is better; the sign of Delta_m and of differences."""
        return self.direction == "lower"

    def influence_of(self, scored: "Scored") -> "Tensor":
        """:attr:`influence`, of a metric that has one."""
        assert self.influence is not None, f"{self.key} is primary for a kind, but has no influence function"
        return self.influence(scored)

    def gain(self, value: float) -> float:
        """``value`` turned such that more is better: its negative, or minus the distance from 1 as a ratio.

        NaN for a metric that says nothing of better or worse, and for a ratio that is not positive.
        """
        if self.direction == "one":
            return -abs(math.log(value)) if value > 0 else math.nan
        return {"higher": value, "lower": -value}.get(self.direction, math.nan)

    def can_be(self, value: float) -> bool:
        """Whether ``value`` lies in the range, but for rounding."""
        low, high = self.range
        return low - ROUNDING <= value <= high + ROUNDING

    def decimals(self, size: float) -> int:
        """Digits behind the point for a column whose largest value is of ``size``; all of its cells get as many."""
        if not self.in_unit or not size > 0:
            return self.digits
        return max(0, self.digits - 1 - math.floor(math.log10(size)))
