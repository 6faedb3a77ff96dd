"""``mtlbench merge``."""

from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import say


def merge(
    sources: Annotated[list[Path], typer.Argument(metavar="OUT...", help="Results folders of `mtlbench run`.")],
    into: Annotated[Path, typer.Option(metavar="DIR", help="Results folder that gets all records.")],
    prefer: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="The folder that counts where two have different records of a cell."),
    ] = None,
) -> None:
    """Put the records of several results folders into one.

    These may be the folders of two machines. The same cell with different content is an error that names both files,
    unless --prefer says which one counts. The folders that are merged stay as they are.

    \b
    mtlbench merge laptop cluster --into results
    mtlbench merge old new --into results --prefer new
    """
    from mtlbench.operations.merging import merge as merge_records

    copied, known = merge_records(sources, into, prefer)
    say(f"{copied} records copied to {into / 'records'}, {known} were there already or in several folders")
