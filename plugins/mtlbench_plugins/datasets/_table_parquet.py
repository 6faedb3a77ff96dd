"""A Parquet file of a user's own table."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import parquet

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_file import Block, TableFile, outer

PARQUET_BLOCK = 1 << 18
"""Rows decoded at once."""


@dataclass(frozen=True)
class ParquetFile(TableFile):
    """A Parquet file."""

    def rows(self) -> int:
        """How many rows it has."""
        with self._explained():
            count: int = parquet.read_metadata(self.path).num_rows
            return count

    def _own_schema(self) -> pa.Schema:
        with self._explained():
            return parquet.read_schema(self.path)

    def _own_blocks(self, types: Mapping[str, pa.DataType]) -> Iterator[Block]:
        # What is read ahead is held until the file is closed: in the end the whole file.
        with self._explained(), parquet.ParquetFile(self.path, pre_buffer=False) as file:
            present = file.schema_arrow.names
            first = 1
            for block in file.iter_batches(PARQUET_BLOCK, columns=list({outer(name, present): None for name in types})):
                yield first, self._columns(block, types)
                first += len(block)

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
