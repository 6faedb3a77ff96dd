"""Wilcoxon's signed-rank test over seeds, exact, and what it can show with few of them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtlbench.statistics.differences import differences

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
    found = differences(first, second)
    doubled = _doubled_ranks(np.abs(found))
    plus, minus = int(doubled[found > 0].sum()), int(doubled[found < 0].sum())
    # The sum of positive ranks is symmetric about half of all: both tails hold the same.
    tail = _distribution(tuple(sorted(doubled[found != 0].tolist())))[: min(plus, minus) + 1].sum()
    zeros = int((found == 0).sum())
    return SignedRank(min(1.0, float(2 * tail)), plus / 2, minus / 2, found.size, zeros)


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
    """Twice the mean rank of each, from 2: integers, for a mean rank is a whole or half number."""
    place, counts = np.unique(magnitudes, return_inverse=True, return_counts=True)[1:]
    last = counts.cumsum()
    return (2 * last - counts + 1)[place]


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
