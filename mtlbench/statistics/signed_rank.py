"""Wilcoxon's signed-rank test over seeds, exact, and what it can show with few of them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtlbench.statistics.differences import differences, rows_of_differences

ALPHA = 0.05


@dataclass(frozen=True)
class SignedRank:
    """Outcome of the signed-rank test of n pairs."""

    p: float
    """Two-sided and exact."""
    plus: float
    """Sum of the ranks of positive differences."""
    minus: float
    """Sum of the ranks of negative differences."""
    pairs: int
    zeros: int
    """Pairs without a difference."""


def wilcoxon(first: ArrayLike, second: ArrayLike) -> SignedRank:
    """Whether two methods differ over paired seeds: the two-sided Wilcoxon signed-rank test.

    Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1945 (https://doi.org/10.2307/3001968);
    recommended for comparing two learners by Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets",
    JMLR 2006 (https://jmlr.org/papers/v7/demsar06a.html).

    Absolute differences are ranked, ties sharing their mean rank. Zeros are ranked too and then left out (Pratt,
    "Remarks on Zeros and Ties in the Wilcoxon Signed Rank Procedures", JASA 1959), so that seeds on which two methods
    agree do not help to tell them apart. p is the share of the 2^(n - zeros) assignments of signs that are at least as
    far from balance as the one observed, counted exactly for these ranks: no normal approximation, whatever the ties.

    Args:
        first: (n,) values of one method.
        second: (n,) values of the other, in the same order of seeds.

    Returns:
        The outcome; p is 1 where all differences are 0, and never below :func:`smallest_p` of the other pairs.

    Raises:
        ValueError: they are not two rows of equally many finite values.
    """
    return _tested(differences(first, second)[None])[0]


def wilcoxon_tests(first: ArrayLike, second: ArrayLike) -> list[SignedRank]:
    """:func:`wilcoxon` of several methods against one, in less time than one after the other.

    Args:
        first: (m, n) values of m methods.
        second: (n,) values of the other, in the same order of seeds.

    Raises:
        ValueError: the rows are not of one length, or hold a value that is not finite.
    """
    return _tested(rows_of_differences(first, second))


def _tested(found: NDArray[np.float64]) -> list[SignedRank]:
    """Of rows of differences (m, n)."""
    doubled = _doubled_ranks(np.abs(found))
    sums = ((doubled * side).sum(1).tolist() for side in (found > 0, found < 0))
    zeros = (found == 0).sum(1).tolist()
    ranks = np.sort(doubled * (found != 0), axis=1).tolist()
    outcomes = []
    for plus, minus, zero, row in zip(*sums, zeros, ranks, strict=True):
        # The sum of positive ranks is symmetric about half of all: both tails hold the same.
        tail = _distribution(tuple(row[zero:]))[: min(plus, minus) + 1].sum()
        outcomes.append(SignedRank(min(1.0, float(2 * tail)), plus / 2, minus / 2, found.shape[1], zero))
    return outcomes


def smallest_p(pairs: int, comparisons: int = 1) -> float:
    """Smallest p-value that :func:`wilcoxon` can give for ``pairs``, Holm-adjusted over ``comparisons``.

    Formula: ``m * 2 / 2^n``: all differences of one sign, in the one comparison that Holm multiplies by m.
    """
    return min(1.0, comparisons * 2.0 ** (1 - pairs))


def pairs_needed(comparisons: int = 1, alpha: float = ALPHA) -> int:
    """Fewest pairs with which :func:`wilcoxon` can reach p < ``alpha``, Holm-adjusted over ``comparisons``.

    6 for one comparison at .05, 10 for 20.
    """
    pairs = 1
    while smallest_p(pairs, comparisons) >= alpha:
        pairs += 1
    return pairs


def _doubled_ranks(magnitudes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Twice the mean rank of each in its row, from 2: integers, for a mean rank is a whole or half number."""
    from scipy.stats import rankdata  # a third of a second, which not every command needs

    return np.rint(2 * rankdata(magnitudes, axis=1)).astype(np.int64)


@lru_cache(maxsize=64)
def _distribution(doubled: tuple[int, ...]) -> NDArray[np.float64]:
    """Probability of each doubled sum of positive ranks when every sign is a fair coin.

    Without ties all methods of a board share these ranks, and with many seeds they are what costs the time.
    """
    probability = np.ones(1)
    for rank in doubled:
        without = np.pad(probability, (0, rank))
        probability = (without + np.pad(probability, (rank, 0))) / 2
    return probability
