"""Tables and figures that show themselves, in a notebook, in a terminal and as text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult

from mtlbench.config.given import path_of
from mtlbench.errors import UsageError
from mtlbench.leaderboards.formats.html import to_html
from mtlbench.leaderboards.formats.markdown import sections
from mtlbench.leaderboards.formats.terminal import to_rich
from mtlbench.leaderboards.publishing import write_file
from mtlbench.leaderboards.tables.table import Table


@dataclass(frozen=True)
class ShownTables:
    """Tables: HTML in a notebook, ``rich.print`` in a terminal, ``print`` and ``str`` as Markdown."""

    tables: Sequence[Table] = field(repr=False)

    def _repr_html_(self) -> str:
        return to_html(self.tables)

    def _repr_markdown_(self) -> str:
        return str(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Blocks as wide as the terminal."""
        yield to_rich(self.tables, options.max_width)

    def __str__(self) -> str:
        """Markdown."""
        return "\n\n".join(sections(self.tables)) + "\n"


@dataclass(frozen=True)
class Picture:
    """A figure that a notebook shows: as SVG, and as PNG where a viewer shows no SVG."""

    svg: str = field(repr=False)
    png: bytes = field(repr=False)

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_png_(self) -> bytes:
        return self.png

    def save(self, path: Path | str) -> Path:
        """Write it to ``path``, an .svg or .png file.

        Raises:
            UsageError: it has another ending, or cannot be written.
        """
        path = path_of("path", path, "the path of an .svg or .png file")
        contents = {".svg": self.svg.encode(), ".png": self.png}
        if path.suffix.lower() not in contents:
            raise UsageError(
                f"cannot write {path}: a figure is saved as .svg or .png; draw others by `mtlbench figure --file`"
            )
        write_file(path, contents[path.suffix.lower()])
        return path
