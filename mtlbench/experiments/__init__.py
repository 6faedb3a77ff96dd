"""Running studies: from a plan to one record per cell."""

from mtlbench.experiments.runner import StudyOutcome, run

__all__ = ["StudyOutcome", "run"]
