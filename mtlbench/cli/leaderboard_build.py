"""``mtlbench leaderboard build``."""

from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import print_leaderboard


def build(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Results folder, or a BOARD.md.")],
    formats: Annotated[
        str, typer.Option("--format", metavar="md,csv,tex,json,parquet", help="Files to write, comma-separated.")
    ] = "md",
    sort: Annotated[
        str,
        typer.Option(metavar="weighting|name|rank|delta_m|TASK.METRIC", help="Order of the methods, the best first."),
    ] = "weighting",
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WEIGHTING",
            help="Mark what differs from this weighting on the same backbone (repeatable). "
            "[default: constant weights, and tuned ones where there are any]",
            show_default=False,
        ),
    ] = None,
    layout: Annotated[str, typer.Option(metavar="methods|paper", help="Shape of the tables.")] = "methods",
    details: Annotated[bool, typer.Option("--details", help="Print all tables of the page.")] = False,
) -> None:
    """Make the leaderboard of all records in OUT, and print its main table and what it shows.

    The records of a page BOARD.md are records/BOARD/*.json beside it.

    \b
    mtlbench leaderboard build results
    mtlbench leaderboard build results --format md,csv,tex --sort click.auc
    mtlbench leaderboard build results --baseline constant --baseline 'constant[restart=true]'
    mtlbench leaderboard build results --layout paper
    mtlbench leaderboard build leaderboards/synthetic.md
    """
    from mtlbench.leaderboards.publishing import PageOptions, publish

    wanted = list(dict.fromkeys(name.strip() for name in formats.split(",") if name.strip()))
    options = PageOptions.of(layout, sort, baseline or ())
    print_leaderboard(publish(out, options, wanted), details)
