"""Tables as Markdown, LaTeX, CSV, JSON, Parquet and for a terminal; and pages of Markdown read back."""

from collections.abc import Callable, Mapping, Sequence

from mtlbench.leaderboards.formats.export import to_csv, to_json, to_parquet
from mtlbench.leaderboards.formats.latex import to_latex
from mtlbench.leaderboards.formats.markdown import to_markdown
from mtlbench.leaderboards.tables.table import Table

Writer = Callable[[Sequence[Table]], bytes]

WRITERS: Mapping[str, Writer] = {
    "md": lambda tables: to_markdown(tables).encode(),
    "csv": to_csv,
    "tex": lambda tables: to_latex(tables).encode(),
    "json": to_json,
    "parquet": to_parquet,
}
"""Format, which is also the end of the file's name -> the content of the file."""
