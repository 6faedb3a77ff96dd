"""A table larger than memory: its columns lie on the disk, and each is read when it is asked for."""

import contextlib
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtlbench.errors import DataError, UsageError
from mtlbench.files import cache_dir

HELD = 1 << 22
"""Bytes of a column up to which it stays in memory."""
BLOCK_ROWS = 1 << 18
"""Rows of a block of a column that is put in whole."""


class SpilledFrame:
    """A table that may be larger than memory, for ``Log.frame`` in place of a data frame.

    It is made of blocks, which are read once and not kept. Columns of some megabytes go to temporary files in the cache
    folder, which are gone when the frame is, however the process ends. A column that is asked for is read whole, so
    memory is needed for one column at a time::

        file = parquet.ParquetFile("log.parquet", pre_buffer=False)  # else it holds all that it has read
        frame = api.SpilledFrame(file.iter_batches())
        frame["session"] = api.session_ids(frame["user_id"], frame["time_ms"], "user-gap30m")

    Args:
        blocks: Arrow record batches or data frames, with the same columns in the same types. Texts that repeat should
            be dictionaries (Arrow) or categoricals (pandas): each is stored once then.

    Raises:
        DataError: two blocks differ in a column, or two columns have one name.
        UsageError: the cache folder cannot be written, or its disk is full.
    """

    def __init__(self, blocks: Iterable[pa.RecordBatch | pd.DataFrame]) -> None:
        self._columns: dict[str, _Column] = {}
        self._rows = 0
        for block in blocks:
            if isinstance(block, pd.DataFrame):
                block = pa.RecordBatch.from_pandas(block, preserve_index=False)
            self._append(block)
        for column in self._columns.values():
            column.close()

    def __len__(self) -> int:
        """The number of rows."""
        return self._rows

    def __iter__(self) -> Iterator[str]:
        """The names of the columns, as of a data frame."""
        return iter(self._columns)

    @property
    def columns(self) -> pd.Index:
        """The names of the columns."""
        return pd.Index(list(self._columns), dtype=object)

    @property
    def index(self) -> pd.RangeIndex:
        """The rows, counted from 0."""
        return pd.RangeIndex(self._rows)

    def __getitem__(self, name: str) -> "pd.Series[Any]":
        return self._columns[name].read(name)

    def ids(self, name: str) -> "pd.Series[Any]":
        """The column with a number in place of each different value, if it has a dictionary; else as it is.

        Values that are texts and all differ take many times the memory of their numbers.
        """
        return self._columns[name].read(name, numbers=True)

    def take(self, name: str, rows: NDArray[np.int64]) -> "pd.Series[Any]":
        """Some rows of the column."""
        return self._columns[name].read(name, rows)

    def __setitem__(self, name: str, values: "pd.Series[Any] | NDArray[Any]") -> None:
        array = pa.array(values, from_pandas=True)
        if isinstance(array, pa.Array):
            array = pa.chunked_array([array])
        if len(array) != self._rows:
            raise DataError(f"column {name!r} has {len(array)} values, and the table {self._rows} rows: give as many")
        column = _Column(array.type)
        for first in range(0, self._rows, BLOCK_ROWS):
            for chunk in array.slice(first, BLOCK_ROWS).chunks:
                column.append(chunk)
        column.close()
        self._columns[name] = column

    def __delitem__(self, name: str) -> None:
        del self._columns[name]

    def _append(self, block: pa.RecordBatch) -> None:
        names = block.schema.names
        if not self._columns:
            if twice := [name for name in names if names.count(name) > 1]:
                raise DataError(f"column {twice[0]!r} is in the table twice: rename one")
            self._columns = {field.name: _Column(field.type) for field in block.schema}
        for name in dict.fromkeys([*self._columns, *names]):
            known = self._columns[name].type if name in self._columns else None
            found = block.schema.field(name).type if name in names else None
            if known != found:
                raise DataError(
                    f"column {name!r} is {found or 'absent'} in the block from row {self._rows} on, and "
                    f"{known or 'absent'} before: give all blocks the same columns in the same types"
                )
            self._columns[name].append(block[name])
        self._rows += len(block)


Frame = pd.DataFrame | SpilledFrame
"""A table of which each column can be read, set and deleted by its name."""


def ids_of(frame: Frame, name: str) -> "pd.Series[Any]":
    """A column of which only matters which values are equal, and which are missing."""
    return frame.ids(name) if isinstance(frame, SpilledFrame) else frame[name]


def take(frame: Frame, name: str, rows: NDArray[np.int64]) -> "pd.Series[Any]":
    """Some rows of a column."""
    return frame.take(name, rows) if isinstance(frame, SpilledFrame) else frame[name].iloc[rows]


class _Column:
    """One column as a stream of Arrow blocks in a temporary file."""

    def __init__(self, kind: pa.DataType) -> None:
        self.type = kind
        self._blocks = 0
        self._open()

    def append(self, block: pa.Array) -> None:
        """Write a block."""
        with _explained():
            self._writer.write_batch(pa.RecordBatch.from_arrays([block], [""]))
        self._blocks += 1

    def close(self) -> None:
        """End writing. The blocks of a dictionary get one dictionary, so that reading need not join them each time."""
        self._writer.close()
        if pa.types.is_dictionary(self.type) and self._blocks > 1:
            whole = self._chunks().unify_dictionaries()
            self._open()
            for block in whole.chunks:
                self.append(block)
            self._writer.close()

    def read(self, name: str, rows: NDArray[np.int64] | None = None, *, numbers: bool = False) -> "pd.Series[Any]":
        """The column, or ``rows`` of it; with ``numbers`` in place of the values of a dictionary."""
        chunks = self._chunks()
        if pa.types.is_dictionary(self.type) and chunks.num_chunks:
            dictionary = chunks.chunk(0).dictionary
            indices = pa.chunked_array([chunk.indices for chunk in chunks.chunks])
            del chunks
            if numbers:
                codes = pc.fill_null(indices, -1).to_numpy()
                return pd.Series(pd.Categorical.from_codes(codes, pd.RangeIndex(len(dictionary))), name=name)
            whole = pa.DictionaryArray.from_arrays(indices.combine_chunks(), dictionary, safe=False)
            chunks = pa.chunked_array(
                [whole if rows is None else whole.take(rows).dictionary_decode().dictionary_encode()]
            )
        elif rows is not None:
            chunks = chunks.take(pa.array(rows))
        table = pa.table([chunks], [name])
        del chunks
        lists = {self.type: pd.ArrowDtype(self.type)} if pa.types.is_nested(self.type) else {}
        frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True, types_mapper=lists.get)
        return frame[name]

    def _chunks(self) -> pa.ChunkedArray:
        self._file.seek(0)
        with pa.ipc.open_stream(pa.PythonFile(self._file, mode="r")) as stream:
            return stream.read_all()[0]

    def _open(self) -> None:
        """Begin a new file."""
        folder = cache_dir()
        with contextlib.suppress(OSError):  # which a column that stays in memory does not mind
            folder.mkdir(parents=True, exist_ok=True)
        self._file = SpooledTemporaryFile(HELD, dir=str(folder))  # noqa: SIM115, closed when the column is gone
        self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, mode="w"), pa.schema([("", self.type)]))


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"cannot keep the columns of the log below the cache folder {cache_dir()}: {error.strerror or error}; free "
            "some space there, or name a folder that can be written by the environment variable MTLBENCH_CACHE"
        ) from error
