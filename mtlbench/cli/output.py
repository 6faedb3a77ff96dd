"""What commands share in talking to the user: data on stdout, the rest on stderr."""

import sys
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from mtlbench.errors import MtlbenchWarning
from mtlbench.text import one_line, printable

if TYPE_CHECKING:
    from mtlbench.discovery import Broken, Catalogue
    from mtlbench.leaderboards import Table as LeaderboardTable

PIPED_WIDTH = 100
ENDLESS = 10_000
"""Columns of a console that folds nothing that people write."""

PluginFiles = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE", help="Also use the plugins in this .py file (repeatable)."),
]


def say(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Print ``text`` on stdout or stderr. All text of commands leaves through this, :func:`plain` or a table.

    It may be from a record, a plugin or a file, so what is not printable becomes a space.
    """
    typer.echo(printable(str(text)), err=err, nl=nl)


def plain(text: str, style: str = "") -> Text:
    """``text`` for a console, without markup, and printable as of :func:`say`."""
    return Text(printable(text), style=style)


def stdout() -> Console:
    """The console for data; 100 columns wide where stdout is no terminal."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table of plain text that folds long cells and loses nothing."""
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in heads:
        grid.add_column(head, overflow="fold")
    for row in rows:
        grid.add_row(*map(plain, row))
    return grid


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain text, a line per row whatever its length: for thousands of rows."""
    lines = [[one_line(text) for text in row] for row in (heads, *rows)]
    widths = [max(map(cell_len, set(column))) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in lines
    )


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> str:
    """``text`` in lines of at most ``width`` characters, cut between words alone; ``rest`` begins all but the first."""
    folder = textwrap.TextWrapper(
        width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return folder.fill(text)


def find_plugins(files: Iterable[Path] | None) -> "Catalogue":
    """The catalogue of all installed plugins and those in ``files`` and ``MTLBENCH_PLUGINS``."""
    from mtlbench.discovery import discover, plugin_files

    return discover(plugin_files(files or ()))


def warn_of_broken(broken: "Iterable[Broken]") -> None:
    """Say on stderr which plugins are left out."""
    for one in broken:
        say(f"warning: left out {one_line(f'{one.name}, which is broken: {one.origin}: {one.reason}')}", err=True)


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Print each warning of mtlbench once, as one line on stderr; other warnings as Python does."""
    said: set[str] = set()
    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=MtlbenchWarning, append=True)
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            text = one_line(str(message))
            if not issubclass(category, MtlbenchWarning):
                usual(message, category, *where, **more)
            elif text not in said:
                said.add(text)
                say(f"warning: {text}", err=True)

        warnings.showwarning = show
        yield


def print_tables(tables: "Sequence[LeaderboardTable]", title: str) -> None:
    """Print all of ``tables`` on a terminal; where stdout is piped, the same as Markdown under ``title``."""
    from mtlbench.leaderboards import to_rich
    from mtlbench.leaderboards.formats.markdown import sections

    if sys.stdout.isatty():
        console = stdout()
        console.print(to_rich(tables, console.width))
    else:
        say("\n\n".join([f"# {title}", *sections(tables)]))


def print_leaderboard(tables: "Sequence[LeaderboardTable]", details: bool) -> None:
    """Print the main table of each board, or with ``details`` all tables, and what the boards show in words."""
    from mtlbench.leaderboards import to_plain, to_screen, verdicts

    console = stdout()
    said = verdicts([board for table in tables for board in table.boards])
    if details:
        print_tables(tables, "Leaderboard")
    elif console.is_terminal:
        console.print(to_screen(tables, console.width))
    else:
        _print_plainly(to_plain(tables))
    for text in said:
        console.print(plain(f"\n{text}"), soft_wrap=not console.is_terminal)


def _print_plainly(what: RenderableType) -> None:
    """Print lines as long as they are, without blanks at their ends."""
    console = Console(width=ENDLESS, color_system=None)
    with console.capture() as captured:
        console.print(what)
    say("\n".join(line.rstrip() for line in captured.get().splitlines()))
