"""Leaderboards: from records alone to tables."""

from mtlbench.leaderboards.board import METRICS
from mtlbench.leaderboards.board_scores import BoardScores, board_scores
from mtlbench.leaderboards.comparison import Comparison, compare
from mtlbench.leaderboards.comparison_tables import comparison_json, comparison_tables
from mtlbench.leaderboards.export import summary
from mtlbench.leaderboards.frame import frame
from mtlbench.leaderboards.latex import to_latex
from mtlbench.leaderboards.layout import Layout, build
from mtlbench.leaderboards.markdown import to_markdown
from mtlbench.leaderboards.published_tables import published_tables
from mtlbench.leaderboards.reading import Page, parse_page, read_page
from mtlbench.leaderboards.table import Table
from mtlbench.leaderboards.terminal import to_rich
from mtlbench.leaderboards.writers import WRITERS

__all__ = [
    "METRICS",
    "WRITERS",
    "BoardScores",
    "Comparison",
    "Layout",
    "Page",
    "Table",
    "board_scores",
    "build",
    "compare",
    "comparison_json",
    "comparison_tables",
    "frame",
    "parse_page",
    "published_tables",
    "read_page",
    "summary",
    "to_latex",
    "to_markdown",
    "to_rich",
]
