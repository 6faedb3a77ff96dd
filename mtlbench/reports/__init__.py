"""One self-contained HTML page of all records: leaderboards, curves, trade-offs, and where each number comes from."""

from mtlbench.reports.content import content
from mtlbench.reports.page import html_page

__all__ = ["content", "html_page"]
