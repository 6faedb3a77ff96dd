"""Encoded datasets: a plugin's log becomes time-ordered, leak-free, memory-mapped splits."""

from mtlbench.data.loading import load
from mtlbench.files import cache_dir

__all__ = ["cache_dir", "load"]
