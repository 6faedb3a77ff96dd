"""Weightings by boards: what each gains over constant weights, as colours."""

import math
from collections.abc import Sequence
from pathlib import Path

from mtlbench.figures.canvas import canvas, check_format, label, save
from mtlbench.figures.heatmap import COLUMN_INCHES, HEAD_INCHES, LABEL_INCHES, ROW_INCHES, in_half_widths, painted
from mtlbench.leaderboards.boards.gains import Gain
from mtlbench.leaderboards.boards.over_logs import OverLogs
from mtlbench.leaderboards.tables.answer import tuned_how
from mtlbench.leaderboards.tables.over_logs import gain_cell


def draw_over_logs(found: Sequence[OverLogs], path: Path) -> None:
    """Write a figure with a panel for each way of tuning.

    A cell is the mean gain in Delta_m, in half widths of its 95 % interval over seeds, with the gain in percent as a
    number. Boards that rank their logs come first, and weightings are in the order of their mean ranks.

    Args:
        found: of :func:`mtlbench.leaderboards.boards.over_logs.over_logs`.
        path: ends in .svg, .png or .pdf.

    Raises:
        UsageError: the ending names no format, or matplotlib is not installed.
    """
    check_format(path)
    width = LABEL_INCHES + COLUMN_INCHES * max(len(each.boards) for each in found)
    heights = [HEAD_INCHES + ROW_INCHES * len(each.specs) for each in found]
    figure, axes = canvas(len(found), 1, width, sum(heights), heights)
    for [panel], each in zip(axes, found, strict=True):
        gains = [[board.gains.get(spec) for board in each.boards] for spec in each.specs]
        heads = [f"{label(board.board.title)}\n{label(board.page)}" for board in each.boards]
        leads, texts = [[*map(lead, row)] for row in gains], [[*map(_text, row)] for row in gains]
        painted(figure, panel, leads, texts, [each.names[spec] for spec in each.specs], heads)
        panel.set_title(label(f"weightings {tuned_how(each)}: Δm in percent"), fontsize=9)
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
