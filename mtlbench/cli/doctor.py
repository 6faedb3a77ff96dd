"""``mtlbench doctor``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mtlbench.cli.output import PluginFiles, find_plugins, say
from mtlbench.text import one_line

SOMETHING_WRONG = 1


def doctor(
    data_dir: Annotated[Path, typer.Option(metavar="DIR", envvar="MTLBENCH_DATA", help="Folder of raw data.")] = Path(
        "data"
    ),
    plugin: PluginFiles = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check whether this machine and installation are fit for a study.

    Whatever is wrong is printed with its remedy.

    \b
    mtlbench doctor
    mtlbench doctor --data-dir data --plugin mine.py
    mtlbench doctor --json

    Exit codes: 0 all is well, 1 something is wrong, 2 wrong use.
    """
    from mtlbench.operations.doctor import examine

    diagnoses = list(examine(find_plugins(plugin), data_dir.expanduser()))
    if as_json:
        say(json.dumps([asdict(diagnosis) for diagnosis in diagnoses], indent=1))
    else:
        width = max(len(diagnosis.name) for diagnosis in diagnoses)
        for diagnosis in diagnoses:
            say(f"{one_line(diagnosis.name):<{width}}  {one_line(diagnosis.value)}")
            if diagnosis.remedy:
                say(f"{'':<{width}}  WRONG: {one_line(diagnosis.remedy)}")
    if any(diagnosis.remedy for diagnosis in diagnoses):
        raise typer.Exit(SOMETHING_WRONG)
