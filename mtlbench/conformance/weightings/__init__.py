"""The rules for weightings."""

from mtlbench.conformance.weightings import (
    numbers,
    sample_weights,
    side_effects,
    state,
    symmetry,
    training,
    trajectories,
    unobserved,
)

__all__ = [
    "numbers",
    "sample_weights",
    "side_effects",
    "state",
    "symmetry",
    "training",
    "trajectories",
    "unobserved",
]
