"""A look at a user's own table: what its columns seem to be, a profile, and a draft of the description."""

from mtlbench_plugins.describing.describe import describe

__all__ = ["describe"]
