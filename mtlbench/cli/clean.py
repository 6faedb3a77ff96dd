"""``mtlbench clean``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import say
from mtlbench.errors import UsageError


def clean(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Results folder of `mtlbench run`.")],
    checkpoints: Annotated[
        bool,
        typer.Option(
            "--checkpoints", help="Also checkpoints and saves of unfinished cells; both are made again if needed."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the files and delete nothing.")] = False,
) -> None:
    """Delete files that dead runs left in a results folder.

    These are temporary files, locks, and saves of cells that have a record by now. No record is ever deleted. What an
    unfinished cell has saved is deleted only with --checkpoints. The command asks before it deletes, and refuses while
    a run goes on.

    \b
    mtlbench clean results --dry-run
    mtlbench clean results --yes
    mtlbench clean results --checkpoints
    """
    from mtlbench.operations.leftovers import leftovers, remove

    found = leftovers(out, checkpoints)
    for leftover in found:
        say(f"{leftover.path}  ({leftover.why}, {leftover.size:,} bytes)")
    total = f"{len(found)} files, {sum(leftover.size for leftover in found):,} bytes"
    if not found or dry_run:
        say(f"{total}; nothing was deleted", err=True)
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("clean asks before it deletes, and nobody can answer here: add --yes, or --dry-run")
        typer.confirm(f"delete {total}?", abort=True, err=True)
    remove(found)
    say(f"deleted {total}", err=True)
