"""Encoded datasets: a plugin's log becomes time-ordered, leak-free, memory-mapped splits."""

from mtlbench.data.folders import cache_dir
from mtlbench.data.loading import announce, load

__all__ = ["announce", "cache_dir", "load"]
