"""Weightings by boards: what each gains over constant weights, as colours."""

import math
from pathlib import Path
from textwrap import wrap

from mtlbench.figures.canvas import canvas, check_format, label, save
from mtlbench.figures.heatmap import COLUMN_INCHES, HEAD_INCHES, LABEL_INCHES, ROW_INCHES, in_half_widths, painted
from mtlbench.leaderboards.boards.gains import Gain
from mtlbench.leaderboards.boards.over_logs import OverLogs
from mtlbench.leaderboards.tables.over_logs import gain_cell
from mtlbench.leaderboards.tables.phrases import tuned_how

HEAD_CHARACTERS = 24
"""Of a line of a board's title."""


def draw_over_logs(found: OverLogs, path: Path) -> None:
    """Write a figure of the weightings that were tuned alike.

    A cell is the mean gain in Delta_m, in half widths of its 95 % interval over seeds, with the gain in percent as a
    number. Boards that rank their logs come first, and weightings are in the order of their mean ranks.

    Args:
        found: one of :func:`mtlbench.leaderboards.boards.over_logs.over_logs`.
        path: ends in .svg, .png or .pdf.

    Raises:
        UsageError: the ending names no format, or matplotlib is not installed.
    """
    check_format(path)
    width, height = LABEL_INCHES + COLUMN_INCHES * len(found.boards), HEAD_INCHES + ROW_INCHES * len(found.specs)
    figure, [[panel]] = canvas(1, 1, width, height)
    gains = [[board.gains.get(spec) for board in found.boards] for spec in found.specs]
    heads = ["\n".join([*wrap(label(one.board.title), HEAD_CHARACTERS), label(one.page)]) for one in found.boards]
    leads, texts = [[*map(lead, row)] for row in gains], [[*map(_text, row)] for row in gains]
    base = f"{'tuned ' if found.tuning else ''}constant weights"
    painted(figure, panel, leads, texts, [found.names[spec] for spec in found.specs], heads, base)
    panel.set_title(label(f"weightings {tuned_how(found)}: Δm in percent"), fontsize=9)
    save(figure, path)


def _text(gain: Gain | None) -> str:
    """The gain and its mark; empty where there is none."""
    if gain is None:
        return ""
    cell = gain_cell(gain)
    return cell.text + cell.marks


def lead(gain: Gain | None) -> float:
    """The gain in half widths of its interval; NaN where there is none."""
    return math.nan if gain is None else in_half_widths(gain.estimate.value, gain.estimate.half_width)
