"""Figures drawn from records alone."""

from mtlbench.figures.differences import draw_differences

__all__ = ["draw_differences"]
