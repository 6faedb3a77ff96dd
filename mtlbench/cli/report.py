"""``mtlbench report``."""

from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import say


def report(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Results folder, or a BOARD.md.")],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="The page. [default: OUT/report.html]", show_default=False)
    ] = None,
    figures: Annotated[
        bool, typer.Option("--figures", help="Also write static figures, as SVG and PNG, into the folder beside it.")
    ] = False,
    title: Annotated[str, typer.Option(metavar="TEXT", help="Heading of the page.")] = "Leaderboard",
) -> None:
    """Write all records of OUT as one HTML page that needs no network.

    A sortable leaderboard with filters, learning curves, weights, trade-off and spend, mean ranks with the critical
    difference, and where each number comes from.

    \b
    mtlbench report results
    mtlbench report leaderboards/kuairand-pure.md --output kuairand.html --figures
    """
    from mtlbench.leaderboards.publishing import file_of, read_records, searches_of, write_file
    from mtlbench.reports import html_page

    records, searches = read_records(out), searches_of(out)
    path = output or file_of(out, "report", ".html")
    write_file(path, html_page(records, title, searches).encode())
    say(path)
    if figures:
        from mtlbench.figures import draw_all

        for figure in draw_all(records, path.parent / f"{path.stem}-figures", searches):
            say(figure)
