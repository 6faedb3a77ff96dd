"""The table: what a reader sees, before any format."""

import math
from dataclasses import dataclass, field

from mtlbench.leaderboards.boards.board import Board

MINUS = "−"
"""Of a difference: what is read back from a page as a mean has a hyphen."""


@dataclass(frozen=True)
class TableCell:
    """Text, an aside that is quieter than the text, marks of significance, and how it stands out."""

    text: str
    aside: str = ""
    bold: bool = False
    underline: bool = False
    quiet: bool = False
    marks: str = ""

    @property
    def tail(self) -> str:
        """What follows the text."""
        return self.aside + self.marks


@dataclass(frozen=True)
class Head:
    """Head of a column: a group above (the task), which neighbours may share, and a name (the metric)."""

    group: str
    name: str


@dataclass(frozen=True)
class Line:
    """One row of a table."""

    labels: tuple[TableCell, ...]
    cells: tuple[TableCell, ...]
    rule_above: bool = False


@dataclass(frozen=True)
class Table:
    """A titled grid with its caption and notes; writers turn it into Markdown, LaTeX or terminal output."""

    title: str
    caption: tuple[str, ...]
    labels: tuple[str, ...]
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    notes: tuple[tuple[str, str], ...] = ()
    """Number in superscript, and text."""
    spend: "Table | None" = None
    """Rank and spend of the same methods."""
    boards: tuple[Board, ...] = field(default=(), repr=False, compare=False)
    """What the table was made of, for formats that carry more than a reader sees."""
    details: "Table | None" = None
    """What only some readers want: Markdown folds it away."""


def interval_text(mean: float, half_width: float, decimals: int) -> tuple[str, str]:
    """A signed mean, and half its interval's width in units of the last digit; the latter empty for NaN."""
    aside = "" if math.isnan(half_width) else f"({round(half_width * 10**decimals)})"
    return f"{mean:{'+' if round(mean, decimals) else 'z'}.{decimals}f}".replace("-", MINUS), aside
