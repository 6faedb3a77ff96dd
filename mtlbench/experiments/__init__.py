"""Running studies: from a plan to one record per cell."""

from mtlbench.experiments.runner import run

__all__ = ["run"]
