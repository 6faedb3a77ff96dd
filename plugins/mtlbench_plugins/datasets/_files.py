"""Raw CSV files, plain or gzipped: found by name, read by column, with errors that name file, column and line."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import union_categoricals
from pyarrow import csv

from mtlbench.api import DataError, Dataset

INTEGER, NUMBER, CATEGORY = pa.int64(), pa.float64(), pa.dictionary(pa.int32(), pa.string())
BLOCK = 1 << 24
"""Bytes parsed at once. Each block holds the distinct values of its categories."""

Filter = Callable[[pa.RecordBatch], pa.Array]


def find(folder: Path, pattern: str) -> list[Path]:
    """Files of ``folder`` named by the glob ``pattern`` and ``.csv`` or ``.csv.gz``; of both forms, the plain one."""
    zipped = {path.name.removesuffix(".gz"): path for path in folder.glob(f"{pattern}.csv.gz")}
    plain = {path.name: path for path in folder.glob(f"{pattern}.csv")}
    return [path for _, path in sorted({**zipped, **plain}.items())]


def published(dataset: Dataset, root: Path, names: Sequence[str]) -> list[Path]:
    """The files ``names`` of the folder of ``dataset``, each ending in ``.csv`` and plain or gzipped.

    Raises:
        DataError: one is absent; the message says where to get it.
    """
    folder = root / str(dataset.folder)
    found = [next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None) for name in names]
    absent = [name for name, path in zip(names, found, strict=True) if path is None]
    if absent:
        publication = dataset.publication()
        raise DataError(
            f"dataset {dataset.name!r} is not in the data folder {root}: {folder} lacks {', '.join(absent)}, plain or "
            f"with .gz; `mtlbench data download {dataset.name}` says how to get it from "
            f"{publication.page if publication else 'its publisher'}; name the data folder by --data-dir or "
            "MTLBENCH_DATA"
        )
    return [path for path in found if path]


def read(
    path: Path,
    columns: Mapping[str, pa.DataType],
    complete: Collection[str] = (),
    keep: Filter | None = None,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The named columns of a CSV file.

    Args:
        path: a ``.csv`` or ``.csv.gz`` file, which is read block by block.
        columns: type of each wanted column; an empty field is a missing value.
        complete: columns in which a missing value is refused.
        keep: gives the mask of the rows to keep of a block.
        names: names of all columns, for a file without a header line.

    Raises:
        DataError: the file cannot be read or is truncated, lacks a column, or holds a value of another type.
    """
    with _explained(path):
        reader = _open(path, columns, names)
        blocks = (block if keep is None else block.filter(keep(block)) for block in reader)
        table = pa.Table.from_batches(blocks, schema=reader.schema).unify_dictionaries()
    for name in complete:
        if table[name].null_count:
            line = table[name].is_null().index(pa.scalar(True)).as_py() + (1 if names else 2)
            raise DataError(
                f"{path} holds no value in column {name!r} on line {line} (and {table[name].null_count - 1} more); "
                "the file may be truncated: fetch it again"
            )
    frame: pd.DataFrame = table.to_pandas(split_blocks=True)
    return frame


def concat(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames with the same columns, one below the other. The frames are emptied, so that no second copy is in memory.

    Categories stay categories; pandas would make objects of them.
    """
    if len(frames) == 1:
        return frames[0]

    def column(name: str) -> object:
        parts = [frame.pop(name) for frame in frames]
        if parts[0].dtype == "category":
            return union_categoricals(parts)
        return np.concatenate([part.to_numpy() for part in parts])

    return pd.DataFrame({name: column(str(name)) for name in list(frames[0])}, copy=False)


def header(path: Path) -> list[str]:
    """The fields of a CSV file's first line."""
    with _explained(path):
        names: list[str] = csv.open_csv(path, read_options=csv.ReadOptions(use_threads=False)).schema.names
    return names


def stream(
    path: Path, columns: Mapping[str, pa.DataType], names: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The named columns of a CSV file, block by block; see :func:`read`."""
    with _explained(path):
        yield from _open(path, columns, names)


def _open(path: Path, columns: Mapping[str, pa.DataType], names: Sequence[str] | None) -> csv.CSVStreamingReader:
    present = header(path)
    if names is not None and len(present) != len(names):
        raise DataError(
            f"{path} has {len(present)} columns where {len(names)} were expected; fetch the file as published again"
        )
    wrong = [] if names else [name for name in columns if present.count(name) != 1]
    if wrong:
        raise DataError(
            f"{path} has no column {', '.join(wrong)}, or more than one: its header is {','.join(present)}; expected "
            "the file as published, with its header line"
        )
    options = csv.ConvertOptions(
        column_types=dict(columns), include_columns=list(columns), strings_can_be_null=True, null_values=[""]
    )
    # With threads, errors do not name the line.
    in_order = csv.ReadOptions(use_threads=False, column_names=names, block_size=BLOCK)
    return csv.open_csv(path, read_options=in_order, convert_options=options)


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
