"""The error of a difference over other test samples."""

import math

import numpy as np
from numpy.typing import ArrayLike

from mtlbench.statistics.estimate import Estimate, t_quantile


def sampling_interval(value: float, sums: ArrayLike, level: float = 0.95) -> Estimate:
    """Interval of a metric, or of a difference of metrics, over test samples: what a bootstrap of groups would give.

    Formula: ``value +- t sqrt(G) sd(sums)``, t the quantile of Student's distribution with G - 1 degrees of freedom.
    The standard error is that of the infinitesimal jackknife by groups (Efron, "Nonparametric Estimates of Standard
    Error", Biometrika 1981, https://doi.org/10.1093/biomet/68.3.589), the limit of the bootstrap's.

    Args:
        value: the metric, or the difference.
        sums: (G,) of the influence of the rows of each group; of a difference, the difference of the two methods' sums;
            of a mean over seeds, their mean over seeds.
        level: coverage, in (0, 1).

    Returns:
        The value and its bounds; bounds of NaN for fewer than two groups.
    """
    found = np.asarray(sums, float)
    if found.size < 2:
        return Estimate(value, math.nan, math.nan)
    half = t_quantile(level, found.size - 1) * math.sqrt(found.size) * float(found.std(ddof=1))
    return Estimate(value, value - half, value + half)
