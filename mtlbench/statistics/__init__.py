"""Comparisons of scores, as pure functions on arrays."""

from mtlbench.statistics.relative import delta_m

__all__ = ["delta_m"]
