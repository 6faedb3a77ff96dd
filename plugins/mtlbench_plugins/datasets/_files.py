"""Raw CSV files, plain or gzipped: found by name, read by column, with errors that name file, column and line."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from mtlbench.api import DataError

INTEGER, NUMBER, CATEGORY = pa.int64(), pa.float64(), pa.dictionary(pa.int32(), pa.string())

Filter = Callable[[pa.RecordBatch], pa.Array]


def find(folder: Path, pattern: str) -> list[Path]:
    """Files of ``folder`` named by the glob ``pattern`` with ``.csv`` or ``.csv.gz`` after it, the plain one first."""
    zipped = {path.name.removesuffix(".gz"): path for path in folder.glob(f"{pattern}.csv.gz")}
    plain = {path.name: path for path in folder.glob(f"{pattern}.csv")}
    return [path for _, path in sorted({**zipped, **plain}.items())]


def read(
    path: Path, columns: Mapping[str, pa.DataType], complete: Collection[str] = (), keep: Filter | None = None
) -> pd.DataFrame:
    """The named columns of a CSV file with a header line.

    The file streams through memory in blocks.

    Args:
        path: a ``.csv`` or ``.csv.gz`` file.
        columns: type of each column wanted; an empty field is a missing value.
        complete: columns in which a missing value is refused.
        keep: mask of the rows to keep of a block.

    Raises:
        DataError: the file cannot be read or is truncated, lacks a column, or holds a value of another type.
    """
    with _explained(path):
        in_order = csv.ReadOptions(use_threads=False)  # with threads, errors do not name the line
        names = csv.open_csv(path, read_options=in_order).schema.names
        wrong = [name for name in columns if names.count(name) != 1]
        if wrong:
            raise DataError(
                f"{path} has no column {', '.join(wrong)}, or more than one: its header is {','.join(names)}; expected "
                "the file as published, with its header line"
            )
        options = csv.ConvertOptions(
            column_types=dict(columns), include_columns=list(columns), strings_can_be_null=True, null_values=[""]
        )
        reader = csv.open_csv(path, read_options=in_order, convert_options=options)
        blocks = (block if keep is None else block.filter(keep(block)) for block in reader)
        table = pa.Table.from_batches(blocks, schema=reader.schema).unify_dictionaries()
    for name in complete:
        if table[name].null_count:
            row = table[name].is_null().index(pa.scalar(True)).as_py()
            raise DataError(
                f"{path} holds no value in column {name!r} on line {row + 2} (and {table[name].null_count - 1} more); "
                "the file may be truncated: fetch it again"
            )
    frame: pd.DataFrame = table.to_pandas()
    return frame


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).replace("\n", " ")
        raise DataError(
            f"cannot read {path}: {reason[:300]}; the file is truncated or not the published CSV: fetch it again and "
            "compare its checksum"
        ) from error
