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
    """Area or volume that points of two or more metrics dominate above a reference point: larger is a better front.

    Zitzler and Thiele, "Multiobjective Evolutionary Algorithms: A Comparative Case Study and the Strength Pareto
    Approach", IEEE Transactions on Evolutionary Computation 1999 (https://doi.org/10.1109/4235.797969). Exact, after
    While, Bradstreet and Barone, "A Fast Way of Calculating Exact Hypervolumes", IEEE Transactions on Evolutionary
    Computation 2012 (https://doi.org/10.1109/TEVC.2010.2077298): a point adds its own box, less what points after it
    dominate of that, which is a volume of one dimension fewer where points come in the order of one metric.

    The volume depends on the reference point: state it, and compare only volumes that share it. For two AUCs (.5, .5)
    is the point of chance, and the largest area is .25.

    Args:
        points: (n, K) values of K >= 2 metrics; a point that is not better than the reference in all adds nothing, nor
            does one with a NaN. Time rises steeply with K.
        reference: (K,) the worst values that count.
        lower_is_better: of all metrics, or (K,) of each.

    Raises:
        ValueError: there are not two metrics, or the numbers of metrics differ.
    """
    found, worst = _higher(points, lower_is_better), _higher(reference, lower_is_better)
    if found.ndim != 2 or found.shape[1] < 2 or worst.shape != found.shape[1:]:
        raise ValueError(
            f"the hypervolume is of points (n, K >= 2) above one (K,): got {found.shape} and {worst.shape}"
        )
    gains = found - worst
    return _volume(gains[(gains > 0).all(axis=1)])


def _volume(gains: NDArray[np.float64]) -> float:
    """Of points (n, K) > 0 above the origin."""
    if gains.shape[1] == 2:
        return _area(gains)
    gains = np.unique(gains[pareto_front(gains)], axis=0)
    gains = gains[np.argsort(gains[:, -1])]
    boxes, heights = gains[:, :-1], gains[:, -1]
    return sum(
        float(height) * (float(box.prod()) - _volume(np.minimum(boxes[i:], box)))
        for i, (box, height) in enumerate(zip(boxes, heights, strict=True), start=1)
    )


def _area(gains: NDArray[np.float64]) -> float:
    gains = gains[np.lexsort((-gains[:, 1], -gains[:, 0]))]
    # From the widest to the highest: each point adds the strip above all before it.
    highest_before = np.maximum.accumulate(np.concatenate(([0.0], gains[:, 1])))[:-1]
    return float((gains[:, 0] * np.clip(gains[:, 1] - highest_before, 0, None)).sum())


def _higher(values: ArrayLike, lower_is_better: ArrayLike) -> NDArray[np.float64]:
    return np.where(np.asarray(lower_is_better, bool), -1.0, 1.0) * np.asarray(values, float)
