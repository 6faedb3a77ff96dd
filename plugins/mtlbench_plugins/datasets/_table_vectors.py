"""Columns of vectors: lists of equally many numbers, such as pretrained embeddings."""

from typing import TYPE_CHECKING

import pyarrow as pa

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_file import is_list
from mtlbench_plugins.datasets._table_files import TableFile

if TYPE_CHECKING:
    from mtlbench_plugins.datasets._table_schema import TableSchema

VECTOR = pa.large_list(pa.float64())
EXAMPLES = {"vectors": 'vectors = ["embedding"]'}


def contradiction(schema: "TableSchema") -> str | None:
    """What is wrong only when vectors are taken together with other keys, with the remedy."""
    several = [one.name for one in schema.several]
    others = [*several, *filter(None, (schema.timestamp, schema.session, schema.user, schema.split.column))]
    for name in schema.vectors:
        if name in others:
            return f"column {name!r} stands in `vectors` and is used otherwise too: take it out there"
    return None


def check_vectors(file: TableFile, schema: "TableSchema", present: pa.Schema) -> None:
    """Refuse a column of vectors that holds something else than lists of numbers.

    Raises:
        DataError: naming file, column, type and remedy.
    """
    for name in schema.vectors:
        found = present.field(name).type
        numbers = is_list(found) and (pa.types.is_floating(found.value_type) or pa.types.is_integer(found.value_type))
        if not numbers and not pa.types.is_null(found):
            raise DataError(
                f"{file.path}: column {name!r} is {found}, and a vector is a list of numbers: turn a text into one by "
                "a pretrained model (an embedding), and write it to Parquet as a column of lists of numbers, or to "
                "JSON Lines; CSV holds no lists"
            )
