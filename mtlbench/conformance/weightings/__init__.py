"""The rules for weightings."""

from mtlbench.conformance.weightings import numbers, side_effects, state, symmetry, training, trajectories, unobserved

__all__ = ["numbers", "side_effects", "state", "symmetry", "training", "trajectories", "unobserved"]
