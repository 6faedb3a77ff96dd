"""Many comparisons over the same paired seeds, tested together: step-down max-T by sign flips of whole seeds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

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
    return _step_down(found, np.full(len(found), found.shape[1]))


def max_t_together(tables: Sequence[Mapping[int, ArrayLike]]) -> list[MaxT]:
    """Which comparisons of several tables differ, all tables taken together, where each has seeds of its own.

    :func:`max_t` with two changes. The sign of a seed is flipped in all tables that have it, so tables of one log,
    which share what a seed draws, may depend on each other. And ``|t|`` of different numbers of seeds are not alike,
    so in their place the two-sided p-values of Student's distribution are compared: the smallest stands for the
    largest ``|t|``. That is no assumption, for the flips say how small it gets by chance.

    Args:
        tables: of each its seeds, with the differences of its m comparisons on that seed: (m,) each; NaN where a
            comparison has none.

    Returns:
        of each table its comparisons, in their order.
    """
    seeds = sorted({seed for table in tables for seed in table})
    sizes = [len(np.atleast_1d(next(iter(table.values())))) if table else 0 for table in tables]
    blocks = [
        np.stack([np.asarray(table.get(seed, np.zeros(size)), float) for seed in seeds], axis=1)
        for table, size in zip(tables, sizes, strict=True)
    ]
    counts = np.repeat([len(table) for table in tables], sizes)
    found = _step_down(np.vstack(blocks), counts)
    ends = np.cumsum(sizes)[:-1]
    return [MaxT(*both) for both in zip(np.split(found.p, ends), np.split(found.adjusted, ends), strict=True)]


def _step_down(found: NDArray[np.float64], counts: NDArray[np.int_]) -> MaxT:
    """The p-values of comparisons that have ``counts`` of the seeds, and differences of 0 on the others."""
    p = np.where(np.isnan(found).any(1), np.nan, 1.0)
    adjusted = p.copy()
    sizes = np.sqrt(counts * (found**2).sum(1))
    tested = np.flatnonzero(sizes > 0)
    observed = _statistic(np.abs(found[tested].sum(1)) / sizes[tested], counts[tested])
    order = np.argsort(-observed, kind="stable")
    tested, observed = tested[order], observed[order]
    units = (found[tested] / sizes[tested, None]).T
    alone, together = np.zeros(len(tested)), np.zeros(len(tested))
    flips = 0
    for signs in _signs(found.shape[1]):
        flipped = _statistic(np.abs(signs @ units), counts[tested])
        alone += (flipped >= observed - ROUNDING).sum(0)
        still_open = np.maximum.accumulate(flipped[:, ::-1], axis=1)[:, ::-1]
        together += (still_open >= observed - ROUNDING).sum(0)
        flips += len(signs)
    p[tested] = alone / flips
    adjusted[tested] = np.maximum.accumulate(together / flips)
    return MaxT(p, adjusted)


def _statistic(shares: NDArray[np.float64], counts: NDArray[np.int_]) -> NDArray[np.float64]:
    """What is compared: the shares where all comparisons have as many seeds, else -log p of their ``|t|``."""
    if (counts == counts[:1]).all():
        return shares
    # Shares of 1 are infinite t; rounding keeps those that are 1 but for the last digits among them.
    exact = np.minimum(shares.round(9), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = exact * np.sqrt((counts - 1) / (1 - exact**2))
        found = -np.log(2 * stdtr(counts - 1, -t))
    return np.where(counts > 1, found, 0.0)  # a single seed has no t, and shows nothing


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
