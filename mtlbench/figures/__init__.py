"""Figures drawn from records alone."""

from mtlbench.figures.differences import draw_differences
from mtlbench.figures.everything import KINDS, draw_all, draw_one

__all__ = ["KINDS", "draw_all", "draw_differences", "draw_one"]
