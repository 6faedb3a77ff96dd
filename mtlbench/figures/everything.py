"""All static figures of a set of records."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mtlbench.errors import UsageError, did_you_mean
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
KINDS = (*FIGURES, "searches")
ENDINGS = ("svg", "png")


def draw_one(kind: str, records: Sequence[Record], path: Path, searches: Sequence[Search] = ()) -> None:
    """Write the figure ``kind`` to ``path``.

    Args:
        kind: of ``KINDS``.
        records: in any order.
        path: ends in .svg, .png or .pdf.
        searches: those behind tuned rows.

    Raises:
        UsageError: there is no such figure, the ending names no format, matplotlib is not installed, or there is too
            little to draw.
    """
    if kind not in KINDS:
        raise UsageError(f"unknown figure {kind!r}: {did_you_mean(kind, [*KINDS])}")
    if kind in FIGURES:
        FIGURES[kind](records, path)
    else:
        draw_searches(searches, path)


def draw_all(records: Sequence[Record], folder: Path, searches: Sequence[Search] = ()) -> Iterator[Path]:
    """Write each figure that ``records`` and ``searches`` have enough for, as SVG and PNG, and give its path.

    Raises:
        UsageError: matplotlib is not installed, or the folder cannot be written.
    """
    for kind in KINDS:
        for ending in ENDINGS:
            path = folder / f"{kind}.{ending}"
            try:
                draw_one(kind, records, path, searches)
            except NothingToDrawError:
                break
            yield path
