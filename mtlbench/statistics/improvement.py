"""How likely one method is to beat another, over blocks and seeds."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtlbench.statistics.estimate import Estimate


def probability_of_improvement(
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    lower_is_better: bool = False,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Probability that a run of one method beats a run of another on a block drawn at random.

    Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021
    (https://arxiv.org/abs/2108.13264). Formula, over M blocks: ``1/M sum_m P(X_m > Y_m)`` with
    ``P(X > Y) = 1/(nm) sum_ij S(x_i, y_j)``, S = 1 for a win, 1/2 for a tie, 0 for a loss: the Mann-Whitney statistic.
    It says how often, and not by how much.

    The interval is the paper's stratified percentile bootstrap, which resamples the runs of each method in each block
    and keeps the blocks: it speaks of these blocks under other seeds. It takes runs for independent; where both methods
    share their seeds it is wider than need be. With fewer than about 10 seeds a bootstrap interval is too narrow
    (:func:`mtlbench.statistics.mean_interval` has figures).

    Args:
        first: for each of M blocks the values (n,) of one method over seeds.
        second: the same of the other method.
        lower_is_better: of the metric.
        level: coverage of the interval, in (0, 1).
        resamples: bootstrap samples.
        seed: of the resampling.

    Raises:
        ValueError: the numbers of blocks differ, or a block has no values.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"improvement is measured over the same blocks: got {len(first)} and {len(second)}")
    blocks = [
        _wins(np.asarray(one, float), np.asarray(other, float), lower_is_better)
        for one, other in zip(first, second, strict=True)
    ]
    total = np.zeros(resamples)
    for wins, (ours, theirs) in zip(blocks, _draws(tuple(wins.shape for wins in blocks), resamples, seed), strict=True):
        # Sums of halves, which are exact, before the one division.
        total += ((ours @ wins) * theirs).sum(1) / wins.size
    values = [float(wins.mean()) for wins in blocks]
    low, high = np.quantile(total / len(blocks), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(np.mean(values)), float(low), float(high))


def _wins(one: NDArray[np.float64], other: NDArray[np.float64], lower_is_better: bool) -> NDArray[np.float64]:
    """(n, m) of 1, 1/2 and 0: whether each value of ``one`` beats each of ``other``."""
    if 0 in (one.size, other.size):
        raise ValueError("improvement needs a value of each method in every block")
    lead = np.sign(one[:, None] - other[None])
    return (1 + (-lead if lower_is_better else lead)) / 2


@lru_cache(maxsize=2)
def _draws(
    shapes: tuple[tuple[int, ...], ...], resamples: int, seed: int
) -> list[tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
    """For blocks of (n, m) runs how often each run is in each sample drawn with replacement: (resamples, n) and (, m).

    Kept, small, for the next method of the same blocks: drawing takes longer than all that is done with the draws.
    """
    rng = np.random.default_rng(seed)

    def draw(size: int) -> NDArray[np.uint16]:
        return rng.multinomial(size, np.full(size, 1 / size), size=resamples).astype(np.uint16)

    return [(draw(ours), draw(theirs)) for ours, theirs in shapes]
