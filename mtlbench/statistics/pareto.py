"""Trade-offs between metrics: who is on the Pareto front, and how much it covers."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pareto_front(points: ArrayLike, lower_is_better: ArrayLike = False) -> NDArray[np.bool_]:
    """Which points no other dominates: none is at least as good in every metric and better in one.

    Args:
        points: (n, K) values of K metrics, such as the AUC of each task; n methods.
        lower_is_better: of all metrics, or (K,) of each.

    Returns:
        (n,) booleans. Equal points are on the front together; a point with a NaN is not on it and dominates none.
    """
    found = _higher(points, lower_is_better)
    known = np.asarray(~np.isnan(found).any(axis=1), bool)
    at_least = (found[:, None] >= found[None]).all(axis=2)
    better = (found[:, None] > found[None]).any(axis=2)
    dominated = np.asarray((at_least & better).any(axis=0), bool)
    return known & ~dominated


def hypervolume(points: ArrayLike, reference: ArrayLike, lower_is_better: ArrayLike = False) -> float:
    """Area that points of two metrics dominate above a reference point: larger is a better front.

    Zitzler and Thiele, "Multiobjective Evolutionary Algorithms: A Comparative Case Study and the Strength Pareto
    Approach", IEEE Transactions on Evolutionary Computation 1999 (https://doi.org/10.1109/4235.797969).

    The area depends on the reference point: state it, and compare only areas that share it. For two AUCs (.5, .5) is
    the point of chance, and the largest area is .25.

    Args:
        points: (n, 2) values of two metrics; a point that is not better than the reference in both adds nothing, nor
            does one with a NaN.
        reference: (2,) the worst values that count.
        lower_is_better: of both metrics, or (2,) of each.

    Raises:
        ValueError: there are not two metrics.
    """
    found, worst = _higher(points, lower_is_better), _higher(reference, lower_is_better)
    if found.ndim != 2 or found.shape[1:] != (2,) or worst.shape != (2,):
        raise ValueError(f"the hypervolume is of points (n, 2) above one (2,): got {found.shape} and {worst.shape}")
    gains = found - worst
    gains = gains[(gains > 0).all(axis=1)]
    gains = gains[np.lexsort((-gains[:, 1], -gains[:, 0]))]
    # From the widest to the highest: each point adds the strip above all before it.
    highest_before = np.maximum.accumulate(np.concatenate(([0.0], gains[:, 1])))[:-1]
    return float((gains[:, 0] * np.clip(gains[:, 1] - highest_before, 0, None)).sum())


def _higher(values: ArrayLike, lower_is_better: ArrayLike) -> NDArray[np.float64]:
    return np.where(np.asarray(lower_is_better, bool), -1.0, 1.0) * np.asarray(values, float)
