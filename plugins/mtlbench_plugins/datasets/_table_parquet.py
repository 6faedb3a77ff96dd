"""A Parquet file of a user's own table, and the types in which any file gives its columns."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from mtlbench.api import DataError

PARQUET_BLOCK = 1 << 18
"""Rows decoded at once."""

CATEGORY = pa.dictionary(pa.int32(), pa.string())
NUMBER = pa.float64()

Block = tuple[int, pa.RecordBatch]
"""Number of its first row in the file, and the columns."""


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file."""

    path: Path

    def schema(self) -> pa.Schema:
        """Its columns."""
        with self._explained():
            return parquet.read_schema(self.path)

    def blocks(self, types: Mapping[str, pa.DataType]) -> Iterator[Block]:
        """The named columns as the given types, those of floats as floats where they are to be ids."""
        with self._explained(), parquet.ParquetFile(self.path) as file:
            first = 1
            for block in file.iter_batches(PARQUET_BLOCK, columns=list(types)):
                columns = [self._cast(name, block[name], wanted) for name, wanted in types.items()]
                yield first, pa.RecordBatch.from_arrays(columns, list(types))
                first += len(block)

    def _cast(self, name: str, column: pa.Array, wanted: pa.DataType) -> pa.Array:
        use = {CATEGORY: "an id", NUMBER: "a number"}.get(wanted, "a time")
        try:
            if wanted != CATEGORY:
                if pa.types.is_timestamp(wanted):  # in nanoseconds the calendar ends in 2262
                    return column.cast(pa.timestamp("ms", wanted.tz), safe=False)
                return column.cast(wanted)
            ids = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            floating = pa.types.is_floating(ids.dictionary.type)
            values = ids.dictionary if floating else ids.dictionary.cast(pa.string())
            return pa.DictionaryArray.from_arrays(ids.indices.cast(pa.int32()), values)
        except pa.ArrowException as error:
            reason = "" if pa.types.is_nested(column.type) else f" ({' '.join(str(error).split())[:200]})"
            raise DataError(
                f"{self.path}: column {name!r} is {column.type}, which cannot be read as {use}{reason}: convert it, or "
                "leave it out"
            ) from error

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(
                f"{self.path}: cannot be read as Parquet: {reason}; check that the file is whole, and that a CSV file "
                "is named .csv"
            ) from error
