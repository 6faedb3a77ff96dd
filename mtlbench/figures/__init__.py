"""Figures drawn from records alone."""

from mtlbench.figures.differences import draw_differences
from mtlbench.figures.everything import draw_all

__all__ = ["draw_all", "draw_differences"]
