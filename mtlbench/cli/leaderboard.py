"""``mtlbench leaderboard``."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from mtlbench.cli.output import stdout
from mtlbench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from mtlbench.leaderboards import Layout

app = typer.Typer(help="Tables from records.", no_args_is_help=True, rich_markup_mode=None)

FILE = "leaderboard.md"


@app.callback()
def _group() -> None:
    """Tables from records."""


@app.command()
def build(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Results folder of `mtlbench run`.")],
    layout: Annotated[str, typer.Option(metavar="methods|paper", help="Shape of the tables.")] = "methods",
) -> None:
    """Write OUT/leaderboard.md anew from all records in OUT, and print it.

    \b
    mtlbench leaderboard build results
    mtlbench leaderboard build results --layout paper
    """
    from mtlbench.leaderboards import Layout

    if layout not in get_args(Layout):
        raise UsageError(f"unknown layout {layout!r}: {did_you_mean(layout, list(get_args(Layout)))}")
    publish(out, cast("Layout", layout))


def publish(out: Path, layout: "Layout") -> None:
    """Write the leaderboard of all records in ``out``, and print it: for a terminal, or as Markdown where it is piped.

    Raises:
        UsageError: there are no records, or the file cannot be written.
    """
    from mtlbench.leaderboards import build as build_tables
    from mtlbench.leaderboards import to_markdown, to_rich
    from mtlbench.records import RecordStore

    records = RecordStore(out).read_all()
    if not records:
        raise UsageError(f"there are no records in {out / 'records'}; `mtlbench run --out {out}` makes them")
    tables = build_tables(records, layout)
    text = to_markdown(tables)
    _write(out / FILE, text)
    if sys.stdout.isatty():
        console = stdout()
        console.print(to_rich(tables, console.width))
    else:
        typer.echo(text, nl=False)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}; check the folder's permissions") from error
