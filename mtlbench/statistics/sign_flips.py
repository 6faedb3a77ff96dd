"""Many comparisons over the same paired seeds, tested together: step-down max-T by sign flips of whole seeds."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALPHA = 0.05
MOST_EXACT_SEEDS = 13
"""Up to so many seeds all assignments of signs are counted."""
DRAWN_FLIPS = 10_000
AT_ONCE = 1024
"""Assignments that are looked at together: what bounds the memory that many comparisons take."""
ROUNDING = 1e-9
"""Statistics in [0, 1] that are closer than that are equal."""


@dataclass(frozen=True)
class MaxT:
    """P-values of m comparisons, in their order; 1 where all differences are 0, NaN where one is missing."""

    p: NDArray[np.float64]
    """(m,) of each comparison alone: the paired t-test by sign flips."""
    adjusted: NDArray[np.float64]
    """(m,) over all comparisons together."""


def max_t(differences: ArrayLike) -> MaxT:
    """Which of m comparisons differ over n paired seeds: step-down max-T by sign flips of whole seeds.

    Westfall and Young, "Resampling-Based Multiple Testing", 1993; Romano and Wolf, "Exact and Approximate Stepdown
    Methods for Multiple Hypothesis Testing", JASA 2005 (https://doi.org/10.1198/016214504000000539).

    If no comparison differs, the signs of a seed's differences may be flipped, in all comparisons at once. For each
    assignment of signs to seeds the largest ``|t|`` over the comparisons is taken. The adjusted p-value of the largest
    observed ``|t|`` is the share of assignments whose largest is at least as large. The next comparison is judged by
    the largest over those that are still open, and so on; a p-value is never below the one before it. All 2^n
    assignments are counted up to 13 seeds, else 10,000 are drawn and the observed one is added to them.

    One false discovery among all comparisons then has a probability of about alpha at most. Comparisons that depend on
    each other, as metrics of one task and methods with one baseline do, cost less than independent ones, and a copy of
    a comparison costs nothing. The smallest p-value is 2/2^n, however many the comparisons are.

    Instead of t the share ``|sum d| / sqrt(n sum d^2)`` is compared, of which ``|t|`` is a rising function; it is 1
    where all differences of a comparison are equal, and t infinite.

    Args:
        differences: (m, n), a row per comparison; NaN where a seed is missing. Use
            :func:`mtlbench.statistics.differences.rows_of_differences`, which leaves no rounding in them.

    Raises:
        ValueError: they are no table, or there is no seed.
    """
    found = np.asarray(differences, float)
    if found.ndim != 2 or found.shape[1] == 0:
        raise ValueError(f"comparisons over seeds need (m, n) differences with n >= 1: got shape {found.shape}")
    p = np.where(np.isnan(found).any(1), np.nan, 1.0)
    adjusted = p.copy()
    sizes = np.sqrt(found.shape[1] * (found**2).sum(1))
    tested = np.flatnonzero(sizes > 0)
    shares = np.abs(found[tested].sum(1)) / sizes[tested]
    order = np.argsort(-shares, kind="stable")
    tested, shares = tested[order], shares[order]
    units = (found[tested] / sizes[tested, None]).T
    alone, together = np.zeros(len(tested)), np.zeros(len(tested))
    flips = 0
    for signs in _signs(found.shape[1]):
        flipped = np.abs(signs @ units)
        alone += (flipped >= shares - ROUNDING).sum(0)
        still_open = np.maximum.accumulate(flipped[:, ::-1], axis=1)[:, ::-1]
        together += (still_open >= shares - ROUNDING).sum(0)
        flips += len(signs)
    p[tested] = alone / flips
    adjusted[tested] = np.maximum.accumulate(together / flips)
    return MaxT(p, adjusted)


def smallest_p(seeds: int) -> float:
    """The smallest p-value that :func:`max_t` can give: ``2 / 2^n``, or ``1 / 10,001`` with more than 13 seeds."""
    return 2.0 ** (1 - seeds) if seeds <= MOST_EXACT_SEEDS else 1 / (1 + DRAWN_FLIPS)


def seeds_needed(alpha: float = ALPHA) -> int:
    """Fewest seeds with which :func:`max_t` can reach p < ``alpha``: 6 at .05."""
    return next(seeds for seeds in range(1, MOST_EXACT_SEEDS + 2) if smallest_p(seeds) < alpha)


def _signs(seeds: int) -> Iterator[NDArray[np.float64]]:
    """Assignments of signs, (at most 1024, n) at once: half of all, for flipping every seed changes no ``|t|``."""
    if seeds <= MOST_EXACT_SEEDS:
        numbers = np.arange(2 ** (seeds - 1))
        bits = (numbers[:, None] >> np.arange(seeds)) & 1
    else:
        drawn = np.random.default_rng(0).integers(0, 2, (DRAWN_FLIPS, seeds))
        bits = np.vstack([np.zeros((1, seeds), int), drawn])  # first the observed one
    for start in range(0, len(bits), AT_ONCE):
        yield (1 - 2 * bits[start : start + AT_ONCE]).astype(np.float64)
