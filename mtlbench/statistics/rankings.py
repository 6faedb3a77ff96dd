"""Methods compared over many blocks: mean ranks, Friedman's test, the critical difference."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtlbench.statistics.sign_flips import ALPHA

if TYPE_CHECKING:
    import pandas as pd

EXACT_ASSIGNMENTS = 50_000
DRAWN_ASSIGNMENTS = 19_999


@dataclass(frozen=True)
class Friedman:
    """Outcome of Friedman's test of k methods over N blocks."""

    chi_square: float
    """Friedman's statistic, corrected for ties."""
    f: float
    """Iman and Davenport's statistic, compared with F(k-1, (k-1)(N-1)) where N is large."""
    p: float
    """By permutation."""
    methods: int
    blocks: int


@dataclass(frozen=True)
class CompleteCases:
    """The part of a table of scores that has no gaps, and what was left out for it."""

    scores: "pd.DataFrame"
    blocks_left_out: tuple[object, ...]
    methods_left_out: tuple[object, ...]


def complete_cases(scores: "pd.DataFrame") -> CompleteCases:
    """Leave out blocks and methods until no score is missing; ranks over different blocks do not compare.

    What has the largest share of missing scores goes first; of equals a method before a block, and the last in order
    before others. A method that was run on one block of many is left out, and so is the one block of many on which a
    method is not applicable.

    Args:
        scores: a row per block, a column per method, NaN where there is no score.
    """
    left, blocks, methods = scores, [], []
    while left.size and bool(left.isna().to_numpy().any()):
        missing = left.isna()
        worst_block, worst_method = missing.mean(axis=1)[::-1], missing.mean(axis=0)[::-1]
        if worst_method.max() >= worst_block.max():
            methods.append(worst_method.idxmax())
            left = left.drop(columns=methods[-1])
        else:
            blocks.append(worst_block.idxmax())
            left = left.drop(index=blocks[-1])
    return CompleteCases(left, tuple(blocks), tuple(methods))


def ranks(scores: ArrayLike, lower_is_better: bool = False) -> NDArray[np.float64]:
    """Rank of each method in each block, 1 the best, ties sharing their mean rank.

    Args:
        scores: (N, k) without gaps: N blocks, k methods.
        lower_is_better: of all scores.

    Returns:
        (N, k); each row sums to k(k+1)/2.
    """
    from scipy.stats import rankdata  # a third of a second, which not every command needs

    return rankdata(np.asarray(scores, float) * (1 if lower_is_better else -1), axis=-1)


def friedman(block_ranks: ArrayLike, seed: int = 0) -> Friedman:
    """Whether k methods differ over N blocks: Friedman's test.

    Friedman, "The Use of Ranks to Avoid the Assumption of Normality", JASA 1937; Iman and Davenport, "Approximations of
    the Critical Region of the Friedman Statistic", Communications in Statistics 1980; recommended by Demsar, JMLR 2006
    (https://jmlr.org/papers/v7/demsar06a.html). Formulas, with R_j the mean rank of method j and
    ``c = 1 - sum (t^3 - t) / (N (k^3 - k))`` over groups of t ties:
    ``chi2 = 12 N / (k (k+1)) sum_j (R_j - (k+1)/2)^2 / c`` and ``F = (N-1) chi2 / (N (k-1) - chi2)``.

    Both approximations need many blocks; with two that agree, F is infinite and its p-value 0. Here p is the share of
    all assignments of a block's ranks to the methods, block by block, that give at least this chi2: exact up to
    50,000 assignments, else from 19,999 random ones.

    Args:
        block_ranks: (N, k), of :func:`ranks`.
        seed: of the random assignments.

    Returns:
        The outcome; p is NaN for fewer than two methods or blocks, and 1 where every block is one tie.
    """
    return friedman_tests([block_ranks], seed)[0]


def friedman_tests(tables: Sequence[ArrayLike], seed: int = 0) -> list[Friedman]:
    """:func:`friedman` of several tables of ranks, such as one per metric, at hardly more than the cost of one.

    Args:
        tables: each (N, k), of the same N and k.
        seed: of the random assignments, which are the same for all tables; drawing them is what takes the time.

    Raises:
        ValueError: the tables have different shapes.
    """
    if not tables:
        return []
    shapes = {np.shape(table) for table in tables}
    if len(shapes) > 1:
        raise ValueError(f"tables of ranks must have one shape: got {sorted(shapes)}")
    found = np.asarray(tables, float)
    blocks, methods = found.shape[1:]
    if min(blocks, methods) < 2:
        return [Friedman(math.nan, math.nan, math.nan, methods, blocks)] * len(found)
    p_values = iter(_permutation_p(found[[_tells(table) for table in found]], seed))
    return [
        _friedman(table, next(p_values)) if _tells(table) else Friedman(0.0, 0.0, 1.0, methods, blocks)
        for table in found
    ]


def _tells(block_ranks: NDArray[np.float64]) -> bool:
    """Whether any block is more than one tie."""
    return bool((block_ranks != block_ranks[:, :1]).any())


def _friedman(found: NDArray[np.float64], p: float) -> Friedman:
    blocks, methods = found.shape
    counts = [np.unique(row, return_counts=True)[1] for row in found]
    ties = sum(int((count**3 - count).sum()) for count in counts)
    correction = 1 - ties / (blocks * (methods**3 - methods))
    spread = float(((found.mean(0) - (methods + 1) / 2) ** 2).sum())
    chi_square = 12 * blocks / (methods * (methods + 1)) * spread / correction
    room = blocks * (methods - 1) - chi_square
    # Where every block ranks the methods alike, rounding is all that is left.
    f = (blocks - 1) * chi_square / room if room > 1e-9 * chi_square else math.inf
    return Friedman(chi_square, f, p, methods, blocks)


def _permutation_p(tables: NDArray[np.float64], seed: int) -> list[float]:
    """For each table (N, k) the share of assignments whose rank sums are at least as far apart as its own."""
    # Whole numbers, so that equal sums are equal; chi2 grows with their sum of squares and with nothing else.
    doubled = np.rint(2 * tables).astype(np.int64)
    blocks, methods = doubled.shape[1:]
    # Renaming the methods changes nothing, so the first block may stay as it is.
    if math.factorial(methods) ** (blocks - 1) <= EXACT_ASSIGNMENTS:
        return [_exact_p(table) for table in doubled]
    rng = np.random.default_rng(seed)
    places = np.tile(np.arange(methods), (DRAWN_ASSIGNMENTS, 1))
    sums = np.zeros((len(doubled), *places.shape), np.int64)
    for block in range(blocks):
        orders = rng.permuted(places, axis=1)
        for table, own in zip(doubled, sums, strict=True):
            own += table[block].take(orders)
    observed = (doubled.sum(1) ** 2).sum(1)
    return [
        float((1 + ((own**2).sum(1) >= limit).sum()) / (1 + DRAWN_ASSIGNMENTS))
        for own, limit in zip(sums, observed, strict=True)
    ]


def _exact_p(doubled: NDArray[np.int64]) -> float:
    """The share among all assignments, from doubled ranks (N, k)."""
    methods = doubled.shape[1]
    sums = doubled[:1]
    for row in doubled[1:]:
        orders = np.array(list(itertools.permutations(row.tolist())))
        sums = (sums[:, None] + orders[None]).reshape(-1, methods)
    return float(((sums**2).sum(1) >= (doubled.sum(0) ** 2).sum()).mean())


def critical_difference(methods: int, blocks: int, alpha: float = ALPHA) -> float:
    """Nemenyi's critical difference: methods whose mean ranks differ by less cannot be told apart.

    Nemenyi, "Distribution-free Multiple Comparisons", PhD thesis, Princeton 1963; Demsar, JMLR 2006
    (https://jmlr.org/papers/v7/demsar06a.html). Formula: ``q_alpha sqrt(k (k+1) / (6 N))``, q the quantile of the
    studentized range of k methods and infinite degrees of freedom, divided by sqrt(2). All k(k-1)/2 comparisons
    together make a false one with probability ``alpha``.

    Raises:
        ValueError: there are fewer than two methods, or no block.
    """
    if methods < 2 or blocks < 1:
        raise ValueError(f"a critical difference needs two methods and a block: got {methods} and {blocks}")
    from scipy import stats  # the slowest import of a table, and few tables need it

    q = float(stats.studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * blocks))
