"""``mtlbench figure``."""

from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import say


def figure(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Results folder of `mtlbench run`.")],
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to: .svg, .png or .pdf. [default: OUT/differences.svg]")
    ] = None,
) -> None:
    """Draw how each method differs from constant weights.

    Each point is the mean difference on the same backbone, with its 95 % interval over paired seeds.

    \b
    mtlbench figure results
    mtlbench figure results --file ablation.png
    """
    from mtlbench.figures import draw_differences
    from mtlbench.leaderboards.publishing import read_records

    path = file or out / "differences.svg"
    draw_differences(read_records(out), path)
    say(path)
