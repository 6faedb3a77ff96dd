"""How much each test row moves a metric: what its error over other test samples is computed of."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def pair_order_influence(scores: "Tensor", labels: "Tensor", weights: "Tensor | None" = None) -> "Tensor":
    """The influence of each row on the share of pairs in the right order: on AUC and on XAUC.

    It is the derivative of the metric M by the number of times that row i counts. Formula: ``2 w_i (C_i - M P_i) /
    sum_j w_j P_j``, where C_i is the weight of the rows that are in the right order with row i, a tie of scores being
    half, and P_i that of all rows with another label. The values sum to 0. For labels of 0 and 1 they are the placement
    values of DeLong et al., Biometrics 1988 (https://doi.org/10.2307/2531595), less their mean and over the number of
    rows of the class. If rows are drawn in groups, such as sessions, the variance of M over test samples is, to first
    order, the sum over groups of the squared sum of the group's values (the infinitesimal jackknife).

    Pairs of different labels are counted by the highest bit in which the ranks of the two labels differ: O(N log N)
    for each bit, of which labels of 0 and 1 have one.

    Args:
        scores: (N,) any real dtype, higher means more.
        labels: (N,) numbers.
        weights: (N,) of the rows; ``None``: all count the same.

    Returns:
        (N,) float64; NaN where all labels are equal.
    """
    import torch

    w = torch.ones(len(labels), dtype=torch.float64) if weights is None else weights.double()
    levels, level = labels.unique(return_inverse=True)
    rank = scores.unique(return_inverse=True)[1]
    ranks = len(labels) + 1
    right = torch.zeros_like(w)
    for bit in range((len(levels) - 1).bit_length()):
        block, upper = level >> (bit + 1), (level >> bit) & 1 == 1
        key = block * ranks + rank
        for own, sign in ((upper, 1), (~upper, -1)):
            others, order = key[~own].sort()
            mass = torch.cat([w.new_zeros(1), w[~own][order].cumsum(0)])
            below = mass[torch.searchsorted(others, key[own])] + mass[torch.searchsorted(others, key[own], right=True)]
            edge = mass[torch.searchsorted(others, (block[own] + (sign < 0)) * ranks)]
            right[own] += sign * (below / 2 - edge)
    pairs = w.sum() - torch.bincount(level, w, len(levels))[level]
    total = (w * pairs).sum()
    return 2 * w * (right - (w * right).sum() / total * pairs) / total
