"""Averages over rows that may be weighted."""

from torch import Tensor


def weighted_average(values: Tensor, weight: Tensor | None) -> Tensor:
    """Mean of ``values`` (N,), each as often as ``weight`` (N,) says, ``sum(w v) / sum(w)``; ``None``: all alike.

    Whole weights give the mean of the rows repeated so often. NaN without rows.
    """
    if weight is None:
        return values.mean()
    weight = weight.to(values.dtype)
    return (weight * values).sum() / weight.sum()


def mean_of_means(values: Tensor, group: Tensor, weight: Tensor | None = None) -> float:
    """Mean over groups of the group's mean of ``values``, so that a large group counts as much as a small one.

    Args:
        values: (N,) float64, on the CPU: sums over groups are not reproducible on a GPU.
        group: (N,) integer ids, in any order.
        weight: (N,) > 0, by which the mean of a group is taken; ``None``: all rows count the same.
    """
    owner, rows = group.unique(return_inverse=True, return_counts=True)[1:]
    if weight is not None:
        values, rows = weight * values, values.new_zeros(len(rows)).index_add(0, owner, weight.to(values.dtype))
    return float((values.new_zeros(len(rows)).index_add(0, owner, values) / rows).mean())
