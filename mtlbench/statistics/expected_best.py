"""What a search with fewer trials would have found."""

from collections.abc import Sequence
from math import comb


def expected_best(scores: Sequence[float]) -> list[float]:
    r"""The expected best of n of the N ``scores``, for n = 1 to N.

    J. Dodge et al., "Show your work: improved reporting of experimental results", EMNLP 2019,
    https://arxiv.org/abs/1909.03004, with all subsets of n scores equally likely:

    .. math:: \mathrm{E}_n = \sum_{i=n}^{N} \frac{\binom{i-1}{n-1}}{\binom{N}{n}} \, v_{(i)}, \qquad
              v_{(1)} \le \dots \le v_{(N)}

    Deviation: the paper draws with replacement, which underestimates the best of N. Without replacement the mean over
    all subsets is exact, and E_N is the best score itself.

    Args:
        scores: N numbers, more is better.

    Returns:
        N numbers that never fall.
    """
    ordered, count = sorted(scores), len(scores)
    return [
        sum(comb(i, n - 1) * value for i, value in enumerate(ordered) if i >= n - 1) / comb(count, n)
        for n in range(1, count + 1)
    ]
