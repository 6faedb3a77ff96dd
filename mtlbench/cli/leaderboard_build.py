"""``mtlbench leaderboard build``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from mtlbench.cli.output import stdout, write
from mtlbench.errors import UsageError, did_you_mean
from mtlbench.memory import without_cycle_search

if TYPE_CHECKING:
    from mtlbench.leaderboards import Layout
    from mtlbench.records import Record

STEM = "leaderboard"
PAGE = ".md"


def build(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Results folder, or a BOARD.md.")],
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

    The records of a page BOARD.md are records/BOARD/*.json beside it.

    \b
    mtlbench leaderboard build results
    mtlbench leaderboard build results --format md,csv,tex --sort click.auc
    mtlbench leaderboard build results --baseline constant --baseline 'constant[restart=true]'
    mtlbench leaderboard build results --layout paper
    mtlbench leaderboard build leaderboards/synthetic.md
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

    with without_cycle_search():
        # As an iterator, so that the records are freed when they are on their boards.
        tables = build_tables(iter(read_records(out, compact=True)), layout, sort, baselines)
        page = to_markdown(tables, options=_typed(layout, sort, baselines))
        contents = {name: page.encode() if name == "md" else WRITERS[name](tables) for name in formats}
    for name, content in contents.items():
        write(out.with_suffix(f".{name}") if out.suffix == PAGE else out / f"{STEM}.{name}", content)
    if sys.stdout.isatty():
        console = stdout()
        console.print(to_rich(tables, console.width))
    else:
        typer.echo(page, nl=False)


def _typed(layout: str, sort: str, baselines: Sequence[str]) -> list[str]:
    """The options that are not the defaults: what a page names so that it can be built again."""
    options = [] if layout == "methods" else ["--layout", layout]
    options += [] if sort == "weighting" else ["--sort", sort]
    return [*options, *(word for baseline in baselines for word in ("--baseline", baseline))]


def read_records(out: Path, compact: bool = False) -> "list[Record]":
    """The records in the results folder ``out``, or those beside the page ``out``, in ``records/<its stem>/``.

    ``compact`` ones are for what is made of test scores alone.

    Raises:
        UsageError: there are none, or one is unreadable.
    """
    from mtlbench.leaderboards import METRICS
    from mtlbench.records import RecordStore

    store = RecordStore.at(out.parent / "records" / out.stem) if out.suffix == PAGE else RecordStore(out)
    records = store.read_for_tables(METRICS) if compact else store.read_all()
    if not records:
        remedy = "copy them there" if out.suffix == PAGE else f"`mtlbench run --out {out}` makes them"
        raise UsageError(f"there are no records in {store.folder}; {remedy}")
    return records
