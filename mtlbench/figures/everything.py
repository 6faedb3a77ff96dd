"""All static figures of a set of records."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from mtlbench.figures.canvas import NothingToDrawError
from mtlbench.figures.differences import draw_differences
from mtlbench.figures.heatmap import draw_heatmap
from mtlbench.figures.ranks import draw_ranks
from mtlbench.figures.searches import draw_searches
from mtlbench.figures.tradeoffs import draw_tradeoffs
from mtlbench.records import Record
from mtlbench.records.searches import Search

Draw = Callable[[Sequence[Record], Path], None]

FIGURES: Mapping[str, Draw] = {
    "differences": draw_differences,
    "tradeoff": draw_tradeoffs,
    "heatmap": draw_heatmap,
    "ranks": draw_ranks,
}
FORMATS = ("svg", "png")


def draw_all(records: Sequence[Record], folder: Path, searches: Sequence[Search] = ()) -> Iterator[Path]:
    """Write each figure that ``records`` and ``searches`` have enough for, as SVG and PNG, and give its path.

    Raises:
        UsageError: matplotlib is not installed, or the folder cannot be written.
    """
    drawn = {name: partial(draw, records) for name, draw in FIGURES.items()}
    for name, draw in [*drawn.items(), ("searches", partial(draw_searches, searches))]:
        for ending in FORMATS:
            path = folder / f"{name}.{ending}"
            try:
                draw(path)
            except NothingToDrawError:
                break
            yield path
