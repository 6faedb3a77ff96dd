"""The primary metric of one task against that of another: each method with its 95 % interval, the front."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtlbench.figures.canvas import COLOURS, MARKERS, NothingToDrawError, canvas, check_format, label, save
from mtlbench.leaderboards.boards.board import Board, Row
from mtlbench.leaderboards.boards.columns import Column, metric_of
from mtlbench.leaderboards.boards.contrasts import by_backbone
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.records import Record
from mtlbench.statistics import pareto_front

PANEL_INCHES = 5.0


def draw_tradeoffs(records: Sequence[Record], path: Path) -> None:
    """Write a figure with a panel for each board of ``records``: its first two tasks.

    Raises:
        UsageError: the ending names no format, matplotlib is not installed, or no board has two tasks with scores.
    """
    check_format(path)
    panels = [
        (board, pair)
        for board in boards(records)
        if len(pair := board.primaries[:2]) == 2 and any(_point(row, pair) for row in board.rows)
    ]
    if not panels:
        raise NothingToDrawError("there is nothing to draw: no board has two tasks with scores")
    figure, [axes] = canvas(1, len(panels), PANEL_INCHES * len(panels), PANEL_INCHES)
    for panel, (board, pair) in zip(axes, panels, strict=True):
        for i, rows in enumerate(by_backbone(board.rows)):
            shown = [row for row in rows if _point(row, pair)]
            sample = rows[0].sample
            if shown and sample:
                x, y = ([row.values[column].mean for row in shown] for column in pair)
                colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
                panel.scatter(x, y, s=26, color=colour, marker=marker, label=label(sample.backbone.label))
                bars = [[_half_width(row, column) for row in shown] for column in pair]
                panel.errorbar(x, y, bars[1], bars[0], fmt="none", ecolor=colour, elinewidth=0.7, alpha=0.5)
        _frame(panel, [point for row in board.rows if (point := _point(row, pair))])
        if front := _front(board, pair):
            points = [point for point, _ in front]
            panel.plot(*zip(*points, strict=True), color="0.5", linestyle=":", label="Pareto front", zorder=0)
        for point, method in front:
            panel.annotate(label(method), point, (5, 5), textcoords="offset points", fontsize=7)
        panel.set_xlabel(_axis(pair[0]))
        panel.set_ylabel(_axis(pair[1]))
        panel.set_title(label(board.title), fontsize=9)
        panel.legend(fontsize=7)
        panel.grid(color="0.9")
        panel.set_axisbelow(True)
    save(figure, path)


def _point(row: Row, pair: Sequence[Column]) -> tuple[float, float] | None:
    values = [row.values.get(column) for column in pair]
    if row.sample is None or values[0] is None or values[1] is None:
        return None
    return values[0].mean, values[1].mean


def _half_width(row: Row, column: Column) -> float:
    """Half the 95 % interval of a mean, 0 where one seed gives none."""
    interval = row.values[column].interval
    return 0.0 if interval is None or math.isnan(interval.half_width) else interval.half_width


def _frame(panel: Any, points: Sequence[tuple[float, float]]) -> None:
    """Show the points with half as much room beside them; wider bars are cut off."""
    for values, limit in zip(zip(*points, strict=True), (panel.set_xlim, panel.set_ylim), strict=True):
        room = (max(values) - min(values)) / 2 or abs(max(values)) / 20 or 1.0
        limit(min(values) - room, max(values) + room)


def _front(board: Board, pair: Sequence[Column]) -> list[tuple[tuple[float, float], str]]:
    """The points of the front from left to right, and whose they are; what prints alike is equally good."""
    complete = [row for row in board.rows if row.state == "complete" and _point(row, pair)]
    if not complete:
        return []
    printed = [[float(row.values[column].text) for column in pair] for row in complete]
    on = pareto_front(printed, [metric_of(column).lower_is_better for column in pair])
    front = [row for row, is_on in zip(complete, on, strict=True) if is_on]
    return sorted((point, row.method) for row in front if (point := _point(row, pair)))


def _axis(column: Column) -> str:
    metric = metric_of(column)
    return f"{label(column[0])} {metric.label}{' (lower is better)' if metric.lower_is_better else ''}"
