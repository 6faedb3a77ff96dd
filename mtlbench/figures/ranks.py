"""Mean ranks of weightings over backbones and datasets, with the critical difference."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mtlbench.figures.canvas import COLOURS, NothingToDrawError, canvas, check_format, label, save
from mtlbench.leaderboards.boards.across import MeanRanks, mean_ranks
from mtlbench.leaderboards.boards.grouping import boards, comparable
from mtlbench.records import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_INCHES, HEAD_INCHES, ROW_INCHES = 6.0, 1.2, 0.22


def draw_ranks(records: Sequence[Record], path: Path) -> None:
    """Write a figure with a panel for each group of boards under one protocol.

    Raises:
        UsageError: the ending names no format, matplotlib is not installed, or there is nothing to rank.
    """
    check_format(path)
    found = [ranks for group in comparable(boards(records)) if (ranks := mean_ranks(group)) is not None]
    if not found:
        raise NothingToDrawError("there is nothing to draw: ranks need two weightings on two backbones or datasets")
    height = HEAD_INCHES + ROW_INCHES * max(len(ranks.names) for ranks in found)
    figure, [axes] = canvas(1, len(found), WIDTH_INCHES * len(found), height)
    for panel, ranks in zip(axes, found, strict=True):
        _draw(panel, ranks)
    save(figure, path)


def _draw(panel: "Axes", ranks: MeanRanks) -> None:
    places = range(len(ranks.names))
    panel.scatter(ranks.ranks, places, color=COLOURS[0], s=24, zorder=2)
    step = max(ranks.ranks) * 0.03
    for i, (first, last) in enumerate(ranks.cliques, start=1):
        panel.plot([max(ranks.ranks) + i * step] * 2, [first, last], color="0.4", linewidth=3)
    panel.set_yticks(places, list(map(label, ranks.names)), fontsize=8)
    panel.invert_yaxis()
    panel.grid(axis="x", color="0.9")
    if ranks.critical_difference is None:
        text = f"mean rank of {ranks.primary} over {ranks.over}, which are no test"
    else:
        text = (
            f"mean rank of {ranks.primary} over {ranks.over}; a bar joins what cannot be told apart\n"
            f"(critical difference {ranks.critical_difference:.2f} at .05)"
        )
    panel.set_xlabel(text, fontsize=8)
