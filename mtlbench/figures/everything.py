"""All static figures of a set of records."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mtlbench.figures.canvas import NothingToDrawError
from mtlbench.figures.differences import draw_differences
from mtlbench.figures.heatmap import draw_heatmap
from mtlbench.figures.ranks import draw_ranks
from mtlbench.figures.tradeoffs import draw_tradeoffs
from mtlbench.records import Record

Draw = Callable[[Sequence[Record], Path], None]

FIGURES: Mapping[str, Draw] = {
    "differences": draw_differences,
    "tradeoff": draw_tradeoffs,
    "heatmap": draw_heatmap,
    "ranks": draw_ranks,
}
FORMATS = ("svg", "png")


def draw_all(records: Sequence[Record], folder: Path) -> Iterator[Path]:
    """Write each figure that ``records`` have enough for, as SVG and PNG, and give its path.

    Raises:
        UsageError: matplotlib is not installed, or the folder cannot be written.
    """
    for name, draw in FIGURES.items():
        for ending in FORMATS:
            path = folder / f"{name}.{ending}"
            try:
                draw(records, path)
            except NothingToDrawError:
                break
            yield path
