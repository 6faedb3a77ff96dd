"""``mtlbench leaderboard overall``."""

from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import say


def overall(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...", help="Folder of BOARD.md with records/BOARD/, BOARD.md, or results folder."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PAGE.md", help="Page to write. [default: README.md in the first folder, or beside the first page]"
        ),
    ] = None,
) -> None:
    """Say which weighting helps where, over the logs of several boards.

    Writes a page with the answer in five sentences, ranks and gains over logs, the gain on each board and what it
    costs; and beside it heat maps as SVG. Weightings that were tuned alike are compared with tuned constant weights,
    those at their defaults with constant weights.

    \b
    mtlbench leaderboard overall leaderboards
    mtlbench leaderboard overall results/first results/second --out overall.md
    mtlbench leaderboard overall leaderboards/synthetic.md leaderboards/kuairand-pure.md --out two-logs.md
    """
    from mtlbench.figures.over_logs import draw_over_logs
    from mtlbench.leaderboards.overall import overall_page, seen_from
    from mtlbench.leaderboards.publishing import PAGE, write_file

    first = sources[0]
    path = out or (first.parent if first.suffix == PAGE else first) / f"README{PAGE}"
    page = overall_page(path, seen_from(path, sources))
    for found, figure in zip(page.found, page.figures, strict=True):
        draw_over_logs(found, figure)
    write_file(path, page.text.encode())
    say(page.text, nl=False)
