"""Leaderboards: from records alone to tables."""

from mtlbench.leaderboards.boards.board import Board
from mtlbench.leaderboards.boards.columns import TABLE_METRICS
from mtlbench.leaderboards.boards.scores import BoardScores, board_scores
from mtlbench.leaderboards.comparing.beside import published_tables
from mtlbench.leaderboards.comparing.comparison import Comparison, compare
from mtlbench.leaderboards.comparing.tables import comparison_json, comparison_tables, not_compared
from mtlbench.leaderboards.formats import WRITERS
from mtlbench.leaderboards.formats.export import summary
from mtlbench.leaderboards.formats.latex import to_latex
from mtlbench.leaderboards.formats.markdown import to_markdown
from mtlbench.leaderboards.formats.page import Page, parse_page, read_page
from mtlbench.leaderboards.formats.terminal import to_plain, to_rich, to_screen
from mtlbench.leaderboards.tables.layout import Layout, build
from mtlbench.leaderboards.tables.table import Table
from mtlbench.leaderboards.tables.verdict import verdicts

__all__ = [
    "TABLE_METRICS",
    "WRITERS",
    "Board",
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
    "not_compared",
    "parse_page",
    "published_tables",
    "read_page",
    "summary",
    "to_latex",
    "to_markdown",
    "to_plain",
    "to_rich",
    "to_screen",
    "verdicts",
]
