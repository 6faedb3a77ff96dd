"""The part of a table that a description is drafted from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_files import CATEGORY, NUMBER, CsvFile, TableFile, require


@dataclass(frozen=True)
class Sample:
    """The first block of a table; the whole table is judged by it."""

    frame: pd.DataFrame
    """Numbers, times and, as categories, everything else."""
    rows: int
    """Number of rows of the whole table."""
    kinds: Mapping[str, str]
    """Of each column: ``text``, ``integer``, ``number``, ``truth``, ``time`` or ``empty``."""


def read_sample(files: Sequence[TableFile]) -> Sample:
    """The first block of ``files``, with the rows of all of them counted.

    Raises:
        DataError: a file cannot be read, or lacks a column of the first.
    """
    names = files[0].schema().names
    for file in files:
        require(file, names, file.schema().names)
    kinds = {field.name: _kind(field.type) for field in files[0].schema()}
    kinds = {name: kind for name, kind in kinds.items() if kind != "nested"}
    types = {field.name: _type(field.type) for field in files[0].schema() if field.name in kinds}
    block = next((block for _, block in files[0].blocks(types) if len(block)), None)
    if block is None:
        raise DataError(
            f"{files[0].path}: there are no rows, so nothing can be said of the columns; give a longer table"
        )
    rows = sum(_rows(file, names[0]) for file in files)
    return Sample(pa.Table.from_batches([block]).to_pandas(), rows, kinds)


def _rows(file: TableFile, column: str) -> int:
    if isinstance(file, CsvFile):
        return sum(len(block) for _, block in file.blocks({column: pa.string()}))
    count: int = parquet.read_metadata(file.path).num_rows
    return count


def _type(found: pa.DataType) -> pa.DataType:
    if pa.types.is_temporal(found):
        return pa.timestamp("ns", tz=getattr(found, "tz", None))
    if _kind(found) == "integer":
        return pa.int64()
    return NUMBER if _kind(found) == "number" else CATEGORY


def _kind(found: pa.DataType) -> str:
    tests = {
        "integer": pa.types.is_integer,
        "number": lambda kind: pa.types.is_floating(kind) or pa.types.is_decimal(kind),
        "truth": pa.types.is_boolean,
        "time": lambda kind: pa.types.is_timestamp(kind) or pa.types.is_date(kind),
        "empty": pa.types.is_null,
        "nested": pa.types.is_nested,
    }
    return next((kind for kind, test in tests.items() if test(found)), "text")
