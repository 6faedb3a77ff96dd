"""The rules for datasets."""

# Importing a module registers its rules, in the order in which they are checked.
from mtlbench.conformance.datasets import loading, labels, future, training  # isort: skip

__all__ = ["future", "labels", "loading", "training"]
