"""``mtlbench figure``."""

from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import say


def figure(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Results folder of `mtlbench run`, or a BOARD.md.")],
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="`differences`, `tradeoff`, `heatmap`, `ranks` or `searches`.")
    ] = "differences",
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The .svg, .png or .pdf. [default: OUT/KIND.svg]", show_default=False),
    ] = None,
) -> None:
    """Draw a figure of all records of OUT.

    By default how each method differs from constant weights on its backbone, with 95 % intervals over paired seeds.

    \b
    mtlbench figure results
    mtlbench figure leaderboards/synthetic.md --kind tradeoff --file tradeoff.png
    """
    from mtlbench.figures import draw_one
    from mtlbench.leaderboards.publishing import file_of, read_records, searches_of

    path = file or file_of(out, kind, ".svg")
    draw_one(kind, read_records(out), path, searches_of(out))
    say(path)
