"""The command line: one file per command.

Nothing here imports torch before a command that needs it runs, so that ``--help`` answers at once.
"""

import sys
from typing import Annotated

import typer

import mtlbench
from mtlbench.cli import (
    advise,
    bench,
    clean,
    conform,
    data,
    doctor,
    figure,
    info,
    init,
    leaderboard,
    listing,
    merge,
    new,
    report,
    reproduce,
    run,
    status,
)
from mtlbench.cli.group import Group
from mtlbench.cli.output import say, warnings_as_lines
from mtlbench.errors import MtlbenchError, is_out_of_memory, said_of
from mtlbench.text import one_line, shortened

USAGE_ERROR = 2

app = typer.Typer(
    help="""Compare multi-task loss weightings for recommendation, fairly and repeatably.

    From Python, `import mtlbench` does the same: `mtlbench.run(weightings="rmtl", backbones="all")`.

    \b
    mtlbench run --weighting rmtl --backbone all
    mtlbench list
    mtlbench info weighting rmtl
    """,
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Brackets are part of our grammar: no markup in help texts.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
app.command("run")(run.run)
app.command("init")(init.init)
app.command("advise")(advise.advise)
app.command("list")(listing.list_plugins)
app.command("info")(info.info)
app.command("status")(status.status)
app.command("merge")(merge.merge)
app.command("clean")(clean.clean)
app.command("reproduce")(reproduce.reproduce)
app.command("doctor")(doctor.doctor)
app.command("new")(new.new)
app.command("test-plugin")(conform.conform)
app.command("bench")(bench.bench)
app.command("figure")(figure.figure)
app.command("report")(report.report)
app.add_typer(leaderboard.app, name="leaderboard")
app.add_typer(data.app, name="data")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 ok, 1 some cell failed, 2 wrong use, 3 a regression, 130 interrupted."""
    try:
        with warnings_as_lines():
            app(arguments, prog_name="mtlbench")
    except Exception as error:
        if not (isinstance(error, MtlbenchError) or is_out_of_memory(error)):
            raise
        say(f"error: {one_line(shortened(said_of(error)))}", err=True)
        sys.exit(USAGE_ERROR)


def _version(asked: bool) -> None:
    if asked:
        say(f"mtlbench {mtlbench.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = (
        False
    ),
) -> None:
    pass
