"""What all figures share: the drawing library, the colours, and writing a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlbench.errors import UsageError
from mtlbench.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, which colour-blind readers tell apart; markers differ as well."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""One more than colours: so 56 names have a mark of their own."""
FORMATS = ("svg", "png", "pdf")


class NothingToDrawError(UsageError):
    """The records have too little for a figure."""


def canvas(rows: int, columns: int, width: float, height: float) -> "tuple[Figure, list[list[Axes]]]":
    """A figure of ``rows`` by ``columns`` panels, ``width`` by ``height`` inches.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("figures need matplotlib: python -m pip install 'mtlbench[figures]'") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False)
    return figure, [list(row) for row in panels]


def label(text: str) -> str:
    """``text`` from records as one that is drawn as it is: no formula, and nothing that an SVG file cannot hold."""
    return one_line(text).replace("$", r"\$")


def check_format(path: Path) -> None:
    """Refuse a file whose ending is no format of figures.

    Raises:
        UsageError: it is not.
    """
    if path.suffix.removeprefix(".") not in FORMATS:
        raise UsageError(f"{path}: the ending {path.suffix!r} names no format of figures: use .{', .'.join(FORMATS)}")


def save(figure: "Figure", path: Path) -> None:
    """Write ``figure``, the same bytes for the same content.

    Raises:
        UsageError: the file cannot be written.
    """
    from matplotlib import rc_context

    metadata: dict[str, Any] = (
        {} if path.suffix == ".png" else {"Date" if path.suffix == ".svg" else "CreationDate": None}
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with rc_context({"svg.hashsalt": "mtlbench", "svg.fonttype": "none"}):
            figure.savefig(path, dpi=150, metadata=metadata)
    except OSError as error:
        raise UsageError(f"cannot write the figure {path}: {error.strerror or error}; choose another --file") from error
