"""A Parquet file of a user's own table."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import parquet

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_file import Block, TableFile, is_list, outer

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
            columns = list({outer(name, present): None for name in types})
            first = 1
            for groups in _together(file, columns):
                for block in file.iter_batches(PARQUET_BLOCK, columns=columns, row_groups=groups):
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


def _together(file: parquet.ParquetFile, columns: Sequence[str]) -> list[list[int]]:
    """Which row groups are read in one go: each alone where a list holds dictionaries, which pyarrow cannot join."""
    groups = range(file.num_row_groups)
    types = [file.schema_arrow.field(name).type for name in columns]
    alone = any(is_list(one) and pa.types.is_dictionary(one.value_type) for one in types)
    return [[group] for group in groups] if alone else [list(groups)]
