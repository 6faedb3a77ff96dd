"""Averages over rows that may be weighted."""

from torch import Tensor


def weighted_average(values: Tensor, weight: Tensor | None) -> Tensor:
    """Mean of ``values`` (N,), each as often as ``weight`` (N,) says, ``sum(w v) / sum(w)``; ``None``: all alike.

    Whole weights give the mean of the rows repeated so often. NaN without rows.
    """
    return values.mean() if weight is None else (weight * values).sum() / weight.sum()
