"""``mtlbench leaderboard verify``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import PluginFiles, say
from mtlbench.text import counted

FOUND = 1


def verify(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Results folder, or a folder with BOARD.md and records/BOARD/.")
    ],
    rerun: Annotated[int, typer.Option(metavar="N", min=0, help="Cells to run again and compare.")] = 0,
    cheapest: Annotated[bool, typer.Option("--cheapest", help="Run the cheapest cells, not random ones.")] = False,
    sample_seed: Annotated[int, typer.Option(metavar="S", help="Seed by which random cells are drawn.")] = 0,
    tolerance: Annotated[
        float, typer.Option(metavar="X", min=0, help="Largest difference of a score on another machine or version.")
    ] = 0.005,
    data_dir: Annotated[
        Path, typer.Option(metavar="DIR", envvar="MTLBENCH_DATA", help="Folder of raw data, for --rerun.")
    ] = Path("data"),
    plugin: PluginFiles = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that records and pages are what was computed, and name each cell that is not.

    It checks the schema, cell ids, checksums, impossible values, pages and other files against the records, the choice
    of epochs on validation, copied learning curves and mixed protocols. With --rerun it also runs cells again: their
    scores must be the same, to the last bit on the machine, commit and versions of the record.

    \b
    mtlbench leaderboard verify results
    mtlbench leaderboard verify leaderboards --rerun 2 --cheapest

    Exit codes: 0 all is well, 1 something was found, 2 wrong use.
    """
    from mtlbench.discovery import discover, plugin_files
    from mtlbench.verification import Sample, rerun_sample
    from mtlbench.verification import verify as check

    files = plugin_files(plugin or ())
    catalogue = discover(files)
    coinciding = {name: entry.cls.coincides_with for name, entry in catalogue.weightings.items()}
    report, stored = check(folder, coinciding)
    if rerun:
        from mtlbench.notebook.progress import progress

        sample = Sample(rerun, sample_seed, cheapest, tolerance, data_dir.expanduser(), files)
        with progress(quiet=False) as listener:
            rerun_sample(stored, sample, report, listener)
    if as_json:
        say(json.dumps(report.as_json(), indent=2))
    else:
        for finding in report.findings:
            say(f"{finding.check}: {finding.sentence}")
        for note in report.notes:
            say(f"note: {note.sentence}")
        again = f", {counted(report.reruns, 'cell')} run again" if rerun else ""
        verdict = counted(len(report.findings), "finding") if report.findings else "all is well"
        say(f"{counted(report.records, 'record')} and {counted(report.pages, 'page')} checked{again}: {verdict}")
    if report.findings:
        raise typer.Exit(FOUND)
