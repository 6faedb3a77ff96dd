"""Running studies: from a plan to one record per cell."""

from mtlbench.experiments.again import run_again
from mtlbench.experiments.runner import Outcome, run

__all__ = ["Outcome", "run", "run_again"]
