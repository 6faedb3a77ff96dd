"""``mtlbench leaderboard build``."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from mtlbench.cli.output import stdout
from mtlbench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from mtlbench.leaderboards import Layout
    from mtlbench.records import Record

STEM = "leaderboard"


def build(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Results folder of `mtlbench run`.")],
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
) -> None:
    """Make the leaderboard of all records in OUT, and print it.

    \b
    mtlbench leaderboard build results
    mtlbench leaderboard build results --format md,csv,tex --sort click.auc
    mtlbench leaderboard build results --baseline constant --baseline 'constant[restart=true]'
    mtlbench leaderboard build results --layout paper
    """
    from mtlbench.leaderboards import WRITERS, Layout

    if layout not in get_args(Layout):
        raise UsageError(f"unknown layout {layout!r}: {did_you_mean(layout, list(get_args(Layout)))}")
    wanted = list(dict.fromkeys(name.strip() for name in formats.split(",") if name.strip()))
    for name in wanted:
        if name not in WRITERS:
            raise UsageError(f"unknown format {name!r}: {did_you_mean(name, list(WRITERS))}")
    publish(out, cast("Layout", layout), wanted, sort, baseline or ())


def publish(
    out: Path,
    layout: "Layout",
    formats: Sequence[str] = ("md",),
    sort: str = "weighting",
    baselines: Sequence[str] = (),
) -> None:
    """Write the leaderboard of all records in ``out``, and print it: for a terminal, or as Markdown where it is piped.

    Raises:
        UsageError: there are no records, an option does not fit them, or a file cannot be written.
    """
    from mtlbench.leaderboards import WRITERS, to_markdown, to_rich
    from mtlbench.leaderboards import build as build_tables

    tables = build_tables(read_records(out, lean=True), layout, sort, baselines)
    contents = {name: WRITERS[name](tables) for name in formats}
    for name, content in contents.items():
        _write(out / f"{STEM}.{name}", content)
    if sys.stdout.isatty():
        console = stdout()
        console.print(to_rich(tables, console.width))
    else:
        typer.echo(to_markdown(tables), nl=False)


def read_records(out: Path, lean: bool = False) -> "list[Record]":
    """The records in the results folder ``out``; ``lean`` ones for what is made of test scores alone.

    Raises:
        UsageError: there are none, or one is unreadable.
    """
    from mtlbench.records import RecordStore

    store = RecordStore(out)
    records = store.read_for_tables() if lean else store.read_all()
    if not records:
        raise UsageError(f"there are no records in {out / 'records'}; `mtlbench run --out {out}` makes them")
    return records


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}; check the folder's permissions") from error
