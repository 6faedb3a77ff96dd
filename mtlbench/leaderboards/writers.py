"""The formats that a leaderboard can be written in, all from the same tables."""

from collections.abc import Callable, Mapping, Sequence

from mtlbench.leaderboards.export import to_csv, to_json, to_parquet
from mtlbench.leaderboards.latex import to_latex
from mtlbench.leaderboards.markdown import to_markdown
from mtlbench.leaderboards.table import Table

Writer = Callable[[Sequence[Table]], bytes]

WRITERS: Mapping[str, Writer] = {
    "md": lambda tables: to_markdown(tables).encode(),
    "csv": to_csv,
    "tex": lambda tables: to_latex(tables).encode(),
    "json": to_json,
    "parquet": to_parquet,
}
"""Format, which is also the end of the file's name -> the content of the file."""
