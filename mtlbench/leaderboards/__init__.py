"""Leaderboards: from records alone to tables."""

from mtlbench.leaderboards.export import summary
from mtlbench.leaderboards.frame import frame
from mtlbench.leaderboards.latex import to_latex
from mtlbench.leaderboards.layout import Layout, build
from mtlbench.leaderboards.markdown import to_markdown
from mtlbench.leaderboards.reading import Page, parse_page, read_page
from mtlbench.leaderboards.table import Table
from mtlbench.leaderboards.terminal import to_rich
from mtlbench.leaderboards.writers import WRITERS

__all__ = [
    "WRITERS",
    "Layout",
    "Page",
    "Table",
    "build",
    "frame",
    "parse_page",
    "read_page",
    "summary",
    "to_latex",
    "to_markdown",
    "to_rich",
]
