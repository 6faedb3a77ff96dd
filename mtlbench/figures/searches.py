"""What each search would have found with fewer trials: the expected best validation score."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mtlbench.figures.canvas import COLOURS, MARKERS, NothingToDrawError, canvas, check_format, label, save
from mtlbench.leaderboards.boards.grouping import board_key
from mtlbench.leaderboards.tables.searches import in_order, search_names, values_of
from mtlbench.records.searches import Search
from mtlbench.statistics.expected_best import expected_best

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_INCHES, PANEL_INCHES = 7.0, 3.8


def draw_searches(searches: Sequence[Search], path: Path) -> None:
    """Write a figure with a panel for each dataset and backbone, and a curve for each method.

    A search by halving has none, for it does not tell what fewer trials would have found.

    Raises:
        UsageError: the ending names no format, matplotlib is not installed, or no search has a curve.
    """
    check_format(path)
    panels: dict[tuple[str, str], list[Search]] = {}
    for search in in_order(searches):
        if values_of(search):
            panels.setdefault((board_key(search), search.backbone.label), []).append(search)
    if not panels:
        raise NothingToDrawError("there is nothing to draw: no search without halving has a trial with a score")
    figure, axes = canvas(len(panels), 1, WIDTH_INCHES, PANEL_INCHES * len(panels))
    for [panel], found in zip(axes, panels.values(), strict=True):
        _draw(panel, found)
    save(figure, path)


def _draw(panel: "Axes", searches: Sequence[Search]) -> None:
    ends = []
    for i, (name, search) in enumerate(zip(search_names(searches), searches, strict=True)):
        best = expected_best(values_of(search))
        style = "-" if i < len(COLOURS) else "--"
        [curve] = panel.plot(
            range(1, len(best) + 1),
            best,
            style,
            color=COLOURS[i % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            markersize=4,
            linewidth=1.2,
            label=label(name),
        )
        ends.append((best[-1], curve))
    panel.set_xlabel("trials")
    panel.set_ylabel("expected best validation score")
    panel.set_title(f"{label(searches[0].dataset.label)}, {label(searches[0].backbone.label)}", fontsize=9)
    by_end = [curve for _, curve in sorted(ends, key=lambda end: -end[0])]  # as one reads the curves from above
    panel.legend(handles=by_end, fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    panel.grid(color="0.9")
    panel.set_axisbelow(True)
