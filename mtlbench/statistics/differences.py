"""The difference between two methods: its size, interval and p-value."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtlbench.statistics.estimate import Estimate, mean_intervals, t_p_value, t_quantile

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
    return rows_of_differences(one[None], other)[0]


def rows_of_differences(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """:func:`differences` of each row of ``first`` (m, n) and ``second`` (n,): (m, n).

    Raises:
        ValueError: the rows are not of one length, or hold a value that is not finite.
    """
    one, other = np.asarray(first, float), np.asarray(second, float)
    if one.ndim != 2 or one.shape[1:] != other.shape:
        raise ValueError(f"paired values are rows of equal length: got shapes {one.shape} and {other.shape}")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise ValueError("paired values must be finite: leave out the pairs where one is missing")
    largest = np.maximum(np.abs(one).max(1, initial=0), np.abs(other).max(initial=0))
    decimals = np.array([_exact_decimals(value) for value in largest.tolist()], int)
    found = one - other
    for places in np.unique(decimals).tolist():
        alike = decimals == places
        found[alike] = np.round(found[alike], places)
    return found


def _exact_decimals(largest: float) -> int:
    """Decimals that are kept of a difference between values up to ``largest``."""
    return 0 if largest == 0 else min(EXACT_DIGITS - 1 - math.floor(math.log10(largest)), MOST_DECIMALS)


def paired_difference(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Difference:
    """Mean of paired differences with Student's t interval and the p-value of the paired t-test.

    Student, "The Probable Error of a Mean", Biometrika 1908 (https://doi.org/10.1093/biomet/6.1.1). Seeds are pairs:
    for one seed two methods see the same split, batches and initial weights, so that what these do to both cancels.

    The t-test can tell methods apart with few seeds, where sign flips (:func:`mtlbench.statistics.max_t`) cannot. It
    rests on differences that are near normal, as those of means over thousands of rows are. Its interval and its
    p-value agree: p < 1 - level if and only if 0 is outside.

    Args:
        first: (n,) values of one method.
        second: (n,) values of the other, in the same order of seeds.
        level: coverage of the interval, in (0, 1).

    Returns:
        The difference; for n = 1 its bounds and p are NaN; p is 1 where all differences are 0.

    Raises:
        ValueError: they are not two rows of equally many finite values, at least one.
    """
    return _paired(differences(first, second)[None], level)[0]


def difference_by_seed(first: Mapping[int, float], second: Mapping[int, float], fewest: int = 1) -> Difference | None:
    """:func:`paired_difference` of two methods over the seeds that both have.

    Args:
        first: seed -> value of one method.
        second: the same of the other.
        fewest: shared seeds that are needed.

    Returns:
        The difference; ``None`` where fewer seeds are shared.
    """
    seeds = sorted(first.keys() & second.keys())
    if len(seeds) < fewest:
        return None
    return paired_difference([first[seed] for seed in seeds], [second[seed] for seed in seeds])


def paired_differences(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> list[Difference]:
    """:func:`paired_difference` of several methods from one, in less time than one after the other.

    Args:
        first: (m, n) values of m methods.
        second: (n,) values of the other, in the same order of seeds.
        level: coverage of the intervals, in (0, 1).

    Raises:
        ValueError: the rows are not of one length, or hold a value that is not finite, or no value.
    """
    return _paired(rows_of_differences(first, second), level)


def _paired(found: NDArray[np.float64], level: float) -> list[Difference]:
    """Of rows of differences (m, n)."""
    estimates, count = mean_intervals(found, level), found.shape[1]
    errors = (found.std(1, ddof=1) / math.sqrt(count)).tolist() if count > 1 else [math.nan] * len(found)
    return [
        Difference(estimate, _p_value(estimate.value, error, count - 1), True, (count, count))
        for estimate, error in zip(estimates, errors, strict=True)
    ]


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
