"""Leaderboards: from records alone to tables."""

from mtlbench.leaderboards.frame import frame
from mtlbench.leaderboards.layout import Layout, Table, build
from mtlbench.leaderboards.markdown import to_markdown
from mtlbench.leaderboards.terminal import to_rich

__all__ = ["Layout", "Table", "build", "frame", "to_markdown", "to_rich"]
