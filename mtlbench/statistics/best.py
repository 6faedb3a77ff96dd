"""How likely each method is to be the best of all, over blocks and seeds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtlbench.statistics.rankings import ranks


def probability_best(
    blocks: Sequence[ArrayLike], digits: int = 9, resamples: int = 2000, seed: int = 0
) -> NDArray[np.float64]:
    """Probability that each of k methods has the best mean rank over M blocks, by a bootstrap of blocks and seeds.

    Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021
    (https://arxiv.org/abs/2108.13264), has the distribution of ranks over runs. Here each sample draws M blocks with
    replacement, and of each block its seeds, the same for all methods, because seeds are pairs. In a block methods are
    ranked by their means over the drawn seeds, and the best has the lowest mean rank over the drawn blocks. Methods
    that share the first place share the sample.

    It describes, and tests nothing: with fewer than about 10 seeds or blocks a bootstrap is too sure.

    Args:
        blocks: of each block the values (k, n), a row per method and a column per seed; more is better. Blocks may
            have different seeds.
        digits: behind the point of a mean; means that are equal to so many are ties. The default removes rounding.
        resamples: bootstrap samples.
        seed: of the resampling.

    Returns:
        (k,), which sums to 1.

    Raises:
        ValueError: there is no block, or a block has other methods than the first, or no seeds.
    """
    found = [np.asarray(block, float) for block in blocks]
    shapes = {block.shape[:1] if block.ndim == 2 and block.size else () for block in found}
    if len(shapes) != 1 or () in shapes:
        raise ValueError(f"blocks are (k, n) of the same k methods: got shapes {[block.shape for block in found]}")
    rng = np.random.default_rng(seed)
    sums = np.zeros((resamples, len(found[0])), np.int64)
    for places in rng.integers(0, len(found), (len(found), resamples)):
        for i, block in enumerate(found):
            chosen, count = np.flatnonzero(places == i), block.shape[1]
            draws = rng.multinomial(count, np.full(count, 1 / count), size=len(chosen))
            means = np.round(draws @ block.T / count, digits)
            # Doubled ranks are whole numbers, whose sums are exact.
            sums[chosen] += np.rint(2 * ranks(means)).astype(np.int64)
    first = sums == sums.min(axis=1, keepdims=True)
    shares: NDArray[np.float64] = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    return shares
