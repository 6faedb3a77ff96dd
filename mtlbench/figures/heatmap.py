"""Methods by tasks: how much better than the baseline of its backbone each method is, as colours."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtlbench.figures.canvas import NothingToDrawError, canvas, check_format, label, save
from mtlbench.figures.differences import Point, points
from mtlbench.leaderboards.boards.board import MARKS, Board, Row, mark_of
from mtlbench.leaderboards.boards.columns import Column, metric_of
from mtlbench.leaderboards.boards.contrasts import contrasted
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.records import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEWEST_TASKS = 3
"""Below which a trade-off shows all."""
MOST = 3
"""Half widths beyond which all is one colour."""
DARK = 2
"""Half widths beyond which black cannot be read on the colour."""
LABEL_INCHES, COLUMN_INCHES, HEAD_INCHES, ROW_INCHES = 3.0, 0.9, 1.8, 0.24


def draw_heatmap(records: Sequence[Record], path: Path) -> None:
    """Write a figure with a panel for each board of ``records`` that has three tasks or more.

    A cell is the paired difference in the task's primary metric, in half widths of its 95 % interval: beyond 1 the
    interval leaves out zero. The sign is such that blue is better and red is worse, whatever the metric. What the
    leaderboard claims has its mark.

    Raises:
        UsageError: the ending names no format, matplotlib is not installed, or no board has enough.
    """
    check_format(path)
    able = [board for board in boards(records) if len(board.primaries) >= FEWEST_TASKS]
    found = [(board, table) for board in contrasted(able) if (table := _table(board))]
    if not found:
        raise NothingToDrawError(
            "there is nothing to draw: no board of three tasks has a method that shares two seeds with constant weights"
        )
    columns = max(len(board.primaries) for board, _ in found)
    rows = max(len(table) for _, table in found)
    width, height = LABEL_INCHES + COLUMN_INCHES * columns, HEAD_INCHES + ROW_INCHES * rows
    figure, [axes] = canvas(1, len(found), width * len(found), height)
    for panel, (board, table) in zip(axes, found, strict=True):
        values = [[_leads(board, table, method, place) for place in range(len(board.primaries))] for method in table]
        rows_by_method = {row.method: row for row in board.rows}
        texts = [[_mark(rows_by_method[method], column) for column in board.primaries] for method in table]
        heads = [f"{label(column[0])}\n{metric_of(column).label}" for column in board.primaries]
        painted(figure, panel, values, texts, list(table), heads)
        better, worse = MARKS[0]
        claimed = f"\nclaimed: {better} better, {worse} worse" if any(map(any, texts)) else ""
        panel.set_title(f"{label(board.title)}{claimed}", fontsize=9)
    save(figure, path)


def painted(
    figure: "Figure",
    panel: "Axes",
    values: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
    rows: Sequence[str],
    heads: Sequence[str],
    base: str = "constant weights",
) -> None:
    """Paint a table of leads over a baseline: blue is better, red is worse, beyond 3 all is one colour.

    Args:
        figure: of the panel.
        panel: where to.
        values: (rows, heads) of :func:`in_half_widths`; NaN leaves a cell empty.
        texts: (rows, heads) of what is written in the cells.
        rows: names of the rows.
        heads: names of the columns, as they are drawn.
        base: what the leads are over.
    """
    # What is infinite would be left empty, like what is missing.
    finite = np.nan_to_num(np.array(values, float), nan=np.nan, posinf=MOST, neginf=-MOST)
    image = panel.imshow(finite, cmap="RdBu", vmin=-MOST, vmax=MOST, aspect="auto")
    panel.set_xticks(range(len(heads)), heads, fontsize=7, rotation=45, ha="right")
    panel.set_yticks(range(len(rows)), list(map(label, rows)), fontsize=8)
    for place, (leads, written) in enumerate(zip(values, texts, strict=True)):
        for column, (lead, text) in enumerate(zip(leads, written, strict=True)):
            colour = "white" if abs(lead) > DARK else "black"
            size = 6 if len(text) > 1 else 11  # of a number, and of a mark alone
            panel.text(column, place, text, ha="center", va="center", fontsize=size, color=colour)
    bar = figure.colorbar(image, ax=panel, extend="both")
    bar.set_label(f"better than {base},\nin half widths of the 95 % interval", fontsize=8)


def in_half_widths(lead: float, width: float) -> float:
    """``lead`` in half widths of its interval; infinite where all seeds agree, NaN where one seed has none."""
    if width == 0:
        return math.copysign(math.inf, lead) if lead else 0.0
    return lead / width


def _table(board: Board) -> dict[str, list[Point | None]]:
    """Of each method a point per task, where it has any."""
    by_task = [{point.method: point for point in points(board, column)} for column in board.primaries]
    methods = [row.method for row in board.rows if any(row.method in of for of in by_task)]
    return {method: [of.get(method) for of in by_task] for method in methods}


def _mark(row: Row, column: Column) -> str:
    """Whether the board claims that the row differs from its own baseline."""
    value = row.values.get(column)
    return "" if value is None or value.first is None else mark_of(value.first.verdict)


def _leads(board: Board, table: dict[str, list[Point | None]], method: str, place: int) -> float:
    point = table[method][place]
    if point is None:
        return float("nan")
    value = point.estimate.value
    lead = -value if metric_of(board.primaries[place]).lower_is_better else value
    return in_half_widths(lead, point.estimate.half_width)
