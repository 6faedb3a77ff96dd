"""Improvement of a method over a baseline, over several metrics at once."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def delta_m(method: ArrayLike, baseline: ArrayLike, lower_is_better: ArrayLike) -> Any:
    """Mean relative improvement over K task metrics, in percent; positive means better than the baseline.

    Maninis et al., "Attentive Single-Tasking of Multiple Tasks", CVPR 2019 (https://arxiv.org/abs/1904.08918).
    Formula: ``100/K * sum_k (-1)^l_k (M_k - B_k) / B_k``, where l_k is 1 if lower is better in metric k, else 0.

    Args:
        method: (..., K) values; leading axes, such as seeds, are kept.
        baseline: (..., K) values that broadcast against ``method``, none of them 0.
        lower_is_better: (K,) booleans.

    Returns:
        A float for one row of K values, else an array (...). NaN where a value is NaN.

    Raises:
        ValueError: the last axes do not have the same length.
    """
    values, base, lower = np.asarray(method, float), np.asarray(baseline, float), np.asarray(lower_is_better, bool)
    if not values.shape[-1:] == base.shape[-1:] == lower.shape:
        raise ValueError(
            f"delta_m compares K metrics: got {values.shape[-1:]} of the method, {base.shape[-1:]} of the baseline, "
            f"{lower.shape} directions"
        )
    sign: NDArray[np.float64] = np.where(lower, -1.0, 1.0)
    result = 100 * (sign * (values - base) / base).mean(axis=-1)
    return float(result) if result.ndim == 0 else result
