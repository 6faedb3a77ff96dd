"""Comparisons of scores, as pure functions on arrays and data frames."""

from mtlbench.statistics.adjustment import holm
from mtlbench.statistics.best import probability_best
from mtlbench.statistics.differences import (
    Difference,
    difference_by_seed,
    differences,
    paired_difference,
    paired_differences,
    rows_of_differences,
    unpaired_difference,
)
from mtlbench.statistics.estimate import Estimate, mean_interval, mean_intervals
from mtlbench.statistics.improvement import probability_of_improvement
from mtlbench.statistics.pareto import hypervolume, pareto_front
from mtlbench.statistics.rankings import (
    CompleteCases,
    Friedman,
    complete_cases,
    critical_difference,
    friedman,
    friedman_tests,
    ranks,
)
from mtlbench.statistics.relative import delta_m
from mtlbench.statistics.sampling import sampling_interval
from mtlbench.statistics.sign_flips import ALPHA, MaxT, max_t, max_t_together, seeds_needed, smallest_p

__all__ = [
    "ALPHA",
    "CompleteCases",
    "Difference",
    "Estimate",
    "Friedman",
    "MaxT",
    "complete_cases",
    "critical_difference",
    "delta_m",
    "difference_by_seed",
    "differences",
    "friedman",
    "friedman_tests",
    "holm",
    "hypervolume",
    "max_t",
    "max_t_together",
    "mean_interval",
    "mean_intervals",
    "paired_difference",
    "paired_differences",
    "pareto_front",
    "probability_best",
    "probability_of_improvement",
    "ranks",
    "rows_of_differences",
    "sampling_interval",
    "seeds_needed",
    "smallest_p",
    "unpaired_difference",
]
