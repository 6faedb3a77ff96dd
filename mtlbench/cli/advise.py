"""``mtlbench advise``."""

from typing import Annotated

import typer

from mtlbench.cli.data.common import DEFAULT_DATA_DIR, DataDir
from mtlbench.cli.output import PluginFiles, say
from mtlbench.cli.run import INTERRUPTED


def advise(
    log: Annotated[
        str, typer.Argument(metavar="LOG", help="The description of your log, such as log.toml, or a dataset.")
    ],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder for the advice and its results.")],
    minutes: Annotated[float, typer.Option("--minutes", metavar="M", help="Budget in minutes, over all runs.")] = 20,
    backbone: Annotated[str, typer.Option("--backbone", metavar="SPEC", help="The network.")] = "shared-bottom",
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", metavar="N", show_default=False, help="Cells trained at once. [default: number of cores]"
        ),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    plugins: PluginFiles = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
) -> None:
    """Say which weighting to use on your own log, and how sure that is, within a budget of minutes.

    It measures the log (scales of the losses, conflict of the gradients, rare labels), prints what fits into the
    budget, and trains constant weights and a few weightings that are made for what it found, all tuned alike. Then it
    answers: what to use, by which test, at which cost, and the lines to paste. "Plain constant weights" is an answer.

    DIR gets advice.md, advice.json and results/. The same command goes on where it stopped; with more --minutes it
    tells more.

    \b
    mtlbench data describe my_log.csv --toml log.toml
    mtlbench advise log.toml --out advice
    mtlbench advise log.toml --minutes 60 --backbone mmoe --out advice-mmoe
    mtlbench advise hotel-bookings --data-dir data --out advice-hotels

    Exit codes: 0 ok, 2 wrong use, or a log or a budget that allows no answer.
    """
    import mtlbench

    try:
        found = mtlbench.advise(
            log, minutes, out, backbone=backbone, data_dir=data_dir, jobs=jobs, plugins=plugins or (), quiet=quiet
        )
    except KeyboardInterrupt:
        say("interrupted; the same command goes on where it stopped", err=True)
        raise typer.Exit(INTERRUPTED) from None
    say(found.text, nl=False)
    say(f"page    {found.out / 'advice.md'}, and advice.json for programs", err=True)
    say(f"all     {found.out / 'results' / 'leaderboard.md'}", err=True)
