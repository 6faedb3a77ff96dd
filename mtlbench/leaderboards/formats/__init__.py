"""Tables as Markdown, LaTeX, CSV, JSON, Parquet and for a terminal; and pages of Markdown read back."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mtlbench.leaderboards.formats.export import to_csv, to_json, to_parquet
from mtlbench.leaderboards.formats.latex import to_latex
from mtlbench.leaderboards.formats.markdown import to_markdown
from mtlbench.leaderboards.tables.table import Table


class Writer(Protocol):
    """Makes the content of a file of one format."""

    def __call__(self, tables: Sequence[Table], options: Sequence[str] = ()) -> bytes:
        """The content, of tables that were built with ``options``; a format that has room names those."""


WRITERS: Mapping[str, Writer] = {
    "md": lambda tables, options=(): to_markdown(tables, options=options).encode(),
    "csv": lambda tables, options=(): to_csv(tables),
    "tex": lambda tables, options=(): to_latex(tables, options).encode(),
    "json": lambda tables, options=(): to_json(tables),
    "parquet": lambda tables, options=(): to_parquet(tables),
}
"""Format, which is also the end of the file's name -> the content of the file."""
