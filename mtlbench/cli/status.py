"""``mtlbench status``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtlbench.cli.output import say
from mtlbench.text import one_line

if TYPE_CHECKING:
    from mtlbench.operations.status import Status

SHOWN = 20
"""Cells that are named; ``--json`` names all."""

STATES = {
    "running": "a run is going on",
    "finished": "the last run has ended",
    "interrupted": "the last run was interrupted; the same command goes on with what is left",
    "died": "the last run ended without a message; the same command goes on with what is left",
    "unknown": "nothing says whether a run is going on",
}


def status(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Results folder of `mtlbench run`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how far a study is.

    It can be asked from any terminal while the study runs, and after it has ended or died.

    \b
    mtlbench status results
    mtlbench status results --json
    watch mtlbench status results
    """
    from mtlbench.operations.status import status as status_of

    found = status_of(out)
    say(json.dumps(asdict(found), indent=1) if as_json else "\n".join(_lines(out, found)))


def _lines(out: Path, found: "Status") -> list[str]:
    lines = [f"{one_line(str(out))}: {STATES[found.state]}"]
    counts = {"done": found.done, "failed": len(found.failed), "not applicable": found.not_applicable}
    if found.total is not None:
        counts |= {"running": len(found.running), "to do": found.to_do or 0}
    lines += [f"{name:<15}{number:>9,}" for name, number in counts.items()]
    if found.state == "running":
        left = "unknown until a cell has finished" if found.seconds_left is None else _duration(found.seconds_left)
        lines.append(f"{'time left':<15}{left:>9}")
    failed = [f"{one.method} ({one.cell[:12]}): {one.reason}" for one in found.failed]
    for head, cells in (("running", found.running), ("cut off", found.cut_off), ("failed", failed)):
        if cells:
            lines += [f"{head}:", *(f"  {one_line(cell)}" for cell in cells[:SHOWN])]
            lines += [f"  and {len(cells) - SHOWN} more; --json names all"] if len(cells) > SHOWN else []
    return lines


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
