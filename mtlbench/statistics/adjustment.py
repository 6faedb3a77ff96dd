"""P-values of several comparisons at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p-values: reject those below alpha, and a single false rejection has probability at most alpha.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 1979
    (https://www.jstor.org/stable/4615733). Formula, for m p-values in ascending order:
    ``max_{j <= i} min(1, (m - j + 1) p_(j))``. Valid whatever the dependence between the comparisons.

    Args:
        p_values: (m,) in [0, 1]; NaN for a comparison that could not be made, which does not count.

    Returns:
        (m,) adjusted p-values, NaN where the p-value is.
    """
    found = np.asarray(p_values, float)
    adjusted = np.full(found.shape, np.nan)
    known = np.flatnonzero(~np.isnan(found))
    order = known[np.argsort(found[known], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    adjusted[order] = np.maximum.accumulate(np.minimum(1, factors * found[order]))
    return adjusted
