"""Encoded datasets: a plugin's log becomes time-ordered, leak-free, memory-mapped splits."""

from mtlbench.data.loading import announce, load
from mtlbench.files import cache_dir

__all__ = ["announce", "cache_dir", "load"]
