"""Running studies: from a plan to one record per cell."""

from mtlbench.experiments.runner import Outcome, run

__all__ = ["Outcome", "run"]
