"""The rules for trackers."""

from mtlbench.conformance.trackers import showing

__all__ = ["showing"]
