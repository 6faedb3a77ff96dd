"""``mtlbench reproduce``."""

from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import PluginFiles, aligned, say
from mtlbench.errors import UsageError
from mtlbench.text import one_line

DIFFERS = 3
CELL_FAILED = 1


def reproduce(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A cell's id or its beginning, or a record file.")],
    results: Annotated[Path, typer.Option(metavar="DIR", help="Results folder that has the record.")] = Path("results"),
    tolerance: Annotated[
        float, typer.Option(metavar="X", min=0, help="Largest difference of a score that counts as none.")
    ] = 0.0,
    data_dir: Annotated[Path, typer.Option(metavar="DIR", envvar="MTLBENCH_DATA", help="Folder of raw data.")] = Path(
        "data"
    ),
    plugin: PluginFiles = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
) -> None:
    """Run a recorded cell again on this machine's CPU, and compare the scores.

    The record alone says what is run; the results folder stays as it is. On the machine and the versions of the record
    all scores are the same to the last bit; elsewhere rounding differs, which --tolerance can allow for.

    \b
    mtlbench reproduce 98dfc2597753 --results results
    mtlbench reproduce leaderboards/records/kuairand-pure/kuairand.aitm.constant.seed0.98dfc2597753.json
    mtlbench reproduce 98dfc25 --tolerance 1e-4

    Exit codes: 0 the same scores, 1 the cell failed, 2 wrong use, 3 other scores.
    """
    from mtlbench.discovery import plugin_files
    from mtlbench.notebook.progress import progress
    from mtlbench.verification import find_record
    from mtlbench.verification import reproduce as rerun_and_compare

    record, reference = find_record(cell, results)
    with progress(quiet) as listener:
        files = plugin_files(plugin or ())
        found = rerun_and_compare(record, files, data_dir.expanduser(), listener, tolerance, reference)
    say(f"{one_line(record.method)} on {one_line(record.dataset.name)}, seed {record.seed}: {one_line(record.cell)}")
    for title, changes in (("environment", found.environment), ("scores", found.scores)):
        if changes:
            rows = [[str(part) for part in (one.name, one.before, one.now)] for one in changes]
            say(aligned([f"{title} that differ{'s' * (title[-1] != 's')}", "record", "here"], rows))
    if found.now.status != "done":
        reason = found.now.failure.reason if found.now.failure else found.now.status
        say(f"the cell failed here: {one_line(reason)}", err=True)
        raise typer.Exit(CELL_FAILED)
    if not found.compared:
        raise UsageError(f"the record of {record.cell[:12]} has no scores")
    say(f"{found.compared - len(found.scores)} of {found.compared} scores are the same")
    if found.scores:
        raise typer.Exit(DIFFERS)
