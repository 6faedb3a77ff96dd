"""The rules for datasets."""

from mtlbench.conformance.datasets import future, labels, loading, training

__all__ = ["future", "labels", "loading", "training"]
