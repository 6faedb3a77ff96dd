"""The difference between two methods: its size, interval and p-value."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtlbench.statistics.estimate import Estimate, mean_interval, t_p_value, t_quantile

EXACT_DIGITS = 12
"""Differences are rounded to this many digits behind the first one of the largest value: what is left of a subtraction
below that is rounding, which would split ties and turn zeros into ranks."""
MOST_DECIMALS = 300
"""numpy rounds by a power of ten, which must be finite."""


@dataclass(frozen=True)
class Difference:
    """Mean difference between two methods, first minus second."""

    estimate: Estimate
    p: float
    """Two-sided; NaN where nothing is known of the spread."""
    paired: bool
    counts: tuple[int, int]
    """Values of each method; of pairs, both are the number of pairs."""


def differences(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """``first - second`` of paired values (n,), with the rounding of the subtraction removed.

    Raises:
        ValueError: they are not two rows of equally many finite values.
    """
    one, other = np.asarray(first, float), np.asarray(second, float)
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"paired values are two rows of equal length: got shapes {one.shape} and {other.shape}")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise ValueError("paired values must be finite: leave out the pairs where one is missing")
    largest = max(np.abs(one).max(initial=0), np.abs(other).max(initial=0))
    if largest == 0:
        return one - other
    decimals = EXACT_DIGITS - 1 - math.floor(math.log10(largest))
    return np.round(one - other, min(decimals, MOST_DECIMALS))


def paired_difference(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Difference:
    """Mean of paired differences with Student's t interval and the p-value of the paired t-test.

    Student, "The Probable Error of a Mean", Biometrika 1908 (https://doi.org/10.1093/biomet/6.1.1). Seeds are pairs:
    for one seed two methods see the same split, batches and initial weights, so that what these do to both cancels.

    The t-test can tell methods apart with few seeds, where the signed-rank test (:func:`mtlbench.statistics.wilcoxon`)
    cannot. It rests on differences that are near normal, as those of means over thousands of rows are. Its interval and
    its p-value agree: p < 1 - level if and only if 0 is outside.

    Args:
        first: (n,) values of one method.
        second: (n,) values of the other, in the same order of seeds.
        level: coverage of the interval, in (0, 1).

    Returns:
        The difference; for n = 1 its bounds and p are NaN; p is 1 where all differences are 0.

    Raises:
        ValueError: they are not two rows of equally many finite values, at least one.
    """
    found = differences(first, second)
    estimate = mean_interval(found, level)
    error = float(found.std(ddof=1)) / math.sqrt(found.size) if found.size > 1 else math.nan
    return Difference(estimate, _p_value(estimate.value, error, found.size - 1), True, (found.size, found.size))


def unpaired_difference(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Difference:
    """Difference of two means with Welch's interval and p-value, for methods that share no seeds.

    Welch, "The Generalization of 'Student's' Problem when Several Different Population Variances are Involved",
    Biometrika 1947 (https://doi.org/10.1093/biomet/34.1-2.28). Wider than a paired interval, since what seeds do to
    both methods does not cancel.

    Args:
        first: (n,) values of one method.
        second: (m,) values of the other.
        level: coverage of the interval, in (0, 1).

    Returns:
        The difference; bounds and p are NaN where a method has one value.

    Raises:
        ValueError: one has no values.
    """
    one, other = np.asarray(first, float), np.asarray(second, float)
    counts = one.size, other.size
    if 0 in counts:
        raise ValueError("a difference of means needs values of both methods")
    value = float(one.mean() - other.mean())
    if 1 in counts:
        return Difference(Estimate(value, math.nan, math.nan), math.nan, False, counts)
    parts = float(one.var(ddof=1)) / one.size, float(other.var(ddof=1)) / other.size
    error = math.sqrt(sum(parts))
    if error == 0:
        return Difference(Estimate(value, value, value), _p_value(value, 0.0, 1), False, counts)
    # As shares of the squared error, for the squares of small variances underflow.
    shares = (part / sum(parts) for part in parts)
    freedom = 1 / sum(share**2 / (count - 1) for share, count in zip(shares, counts, strict=True))
    half = t_quantile(level, freedom) * error
    return Difference(Estimate(value, value - half, value + half), _p_value(value, error, freedom), False, counts)


def _p_value(value: float, error: float, freedom: float) -> float:
    if math.isnan(error):
        return math.nan
    if error == 0:
        return 1.0 if value == 0 else 0.0
    return t_p_value(value / error, freedom)
