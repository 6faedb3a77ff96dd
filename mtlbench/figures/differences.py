"""Each method against the baseline of its backbone, as points with intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mtlbench.figures.canvas import COLOURS, MARKERS, NothingToDrawError, canvas, check_format, label, save
from mtlbench.leaderboards.boards.board import Board
from mtlbench.leaderboards.boards.columns import Column, metric_of
from mtlbench.leaderboards.boards.contrasts import by_backbone, own_baseline
from mtlbench.leaderboards.boards.grouping import boards
from mtlbench.records import Record
from mtlbench.statistics import Estimate, difference_by_seed
from mtlbench.tasks.metrics.metric import Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST_SEEDS = 2
MOST_PANELS = 3
"""In a row: more would be too small to read on a page."""
PANEL_INCHES, HEAD_INCHES, ROW_INCHES = 4.8, 1.1, 0.22


@dataclass(frozen=True)
class Point:
    """A method minus the baseline of its backbone in one task."""

    method: str
    backbone: str
    estimate: Estimate
    seeds: int


@dataclass(frozen=True)
class Panel:
    """All points of one task."""

    title: str
    metric: Metric
    points: list[Point]


def points(board: Board, column: Column) -> list[Point]:
    """Paired differences in one test metric of each method and the baseline of its backbone that was tuned alike.

    Only seeds that both have count; a method that shares fewer than two with its baseline is left out.
    """
    return [
        Point(row.method, row.sample.backbone.label, difference.estimate, difference.counts[0])
        for rows in by_backbone(board.rows)
        for row in rows
        if row.sample is not None and (base := own_baseline(row, rows)) is not None
        if (difference := difference_by_seed(row.by_seed(column), base.by_seed(column), FEWEST_SEEDS)) is not None
    ]


def draw_differences(records: Sequence[Record], path: Path) -> None:
    """Write a figure with a panel for each task of each board of ``records``, up to three in a row.

    Args:
        records: in any order.
        path: ends in .svg, .png or .pdf.

    Raises:
        UsageError: the ending names no format, matplotlib is not installed, or there is nothing to compare.
    """
    check_format(path)
    grid = [
        panels[first : first + MOST_PANELS]
        for board in boards(records)
        for panels in [list(_panels(board))]
        for first in range(0, len(panels), MOST_PANELS)
    ]
    if not grid:
        raise NothingToDrawError(
            "there is nothing to draw: no method shares two seeds with constant weights on its backbone"
        )
    columns = max(map(len, grid))
    tallest = max(len(panel.points) for panels in grid for panel in panels)
    figure, axes = canvas(len(grid), columns, PANEL_INCHES * columns, len(grid) * (HEAD_INCHES + ROW_INCHES * tallest))
    for of_board, row in zip(grid, axes, strict=True):
        for panel, axis in zip(of_board, row, strict=False):
            _draw(axis, panel)
        for empty in row[len(of_board) :]:
            empty.set_visible(False)
    save(figure, path)


def _panels(board: Board) -> Iterator[Panel]:
    for column in board.primaries:
        if found := points(board, column):
            yield Panel(f"{board.title}: {column[0]}", metric_of(column), found)


def _draw(axes: "Axes", panel: Panel) -> None:
    found = panel.points
    backbones = list(dict.fromkeys(point.backbone for point in found))
    axes.axvline(0, color="0.5", linewidth=1)
    for place, point in enumerate(found):
        style = backbones.index(point.backbone)
        estimate = point.estimate
        axes.errorbar(
            estimate.value,
            place,
            xerr=[[estimate.value - estimate.low], [estimate.high - estimate.value]],
            marker=MARKERS[style % len(MARKERS)],
            color=COLOURS[style % len(COLOURS)],
            markersize=4,
            capsize=2,
        )
    axes.set_yticks(range(len(found)), [label(point.method) for point in found], fontsize=8)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_title(label(panel.title), fontsize=9)
    counts = sorted({point.seeds for point in found})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    better = "" if panel.metric.direction == "higher" else f", {panel.metric.direction} is better"
    axes.set_xlabel(
        f"{panel.metric.label} minus constant weights{better}\n95 % interval over {seeds} paired seeds", fontsize=8
    )
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
