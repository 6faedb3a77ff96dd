"""What can only be said of a whole log: where its rows lie, its times, and what its files disagree on."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mtlbench_plugins.datasets._table_clock import Clock
from mtlbench_plugins.datasets._table_schema import TableSchema

FLOAT_DIGITS = 15
"""Decimal digits that a float always keeps."""


class Survey:
    """Looks at each block of each file of a log under ``schema`` as it is read."""

    def __init__(self, schema: TableSchema) -> None:
        self.clock = Clock(str(schema.timestamp), schema.timestamp_unit, schema.relative_time)
        self._schema = schema
        self._types: dict[str, dict[str, tuple[pa.DataType, Path]]] = {}
        self._rounded: dict[str, pa.DataType] = {}
        self._starts: list[int] = []
        self._blocks: list[tuple[Path, int]] = []
        self._rows = 0
        self._inexact: dict[str, tuple[int, Path, int, str]] = {}
        self._zoned = self._naive = 0
        self._unfulfilled: dict[str, int] = {}

    def see_file(self, path: Path, present: pa.Schema) -> None:
        """Take in the types of a file."""
        schema = self._schema
        for name in dict.fromkeys([*schema.categorical, *filter(None, (schema.session, schema.user))]):
            found = present.field(name).type
            if not pa.types.is_null(found):
                self._types.setdefault(name, {}).setdefault(family(found), (found, path))
        numbers = [*schema.numerical, *schema.binned, *(task.source for task in schema.tasks if task.is_of_numbers)]
        for name in numbers:
            found = present.field(name).type
            if pa.types.is_decimal(found) and found.precision > FLOAT_DIGITS:
                self._rounded[name] = found

    def see_block(self, path: Path, first: int, rows: int) -> None:
        """Take in that a block of ``path`` begins at row ``first``."""
        self._starts.append(self._rows)
        self._blocks.append((path, first))
        self._rows += rows

    def see_inexact(self, name: str, column: pa.Array, inexact: NDArray[np.bool_]) -> None:
        """Take in which rows of the last block hold ids that were floats too large to be exact."""
        path, first = self._blocks[-1]
        place = int(inexact.argmax())
        rows, *known = self._inexact.get(name, (0, path, first + place, column[place].as_py()))
        self._inexact[name] = (rows + int(inexact.sum()), *known)

    def see_zones(self, zoned: NDArray[np.bool_]) -> None:
        """Take in which times of a block name their zone."""
        self._zoned += int(zoned.sum())
        self._naive += int((~zoned).sum())

    def see_missing(self, task: str, rows: int) -> None:
        """Take in how many rows of a block have no value for the rule of ``task``."""
        self._unfulfilled[task] = self._unfulfilled.get(task, 0) + rows

    def place(self, row: int) -> str:
        """What row ``row`` of the whole log, counted from 0, is called in its file."""
        block = bisect_right(self._starts, row) - 1
        path, first = self._blocks[block]
        several = len({path for path, _ in self._blocks}) > 1
        return f"row {first + row - self._starts[block]}{f' of {path}' if several else ''}"

    def facts(self) -> dict[str, float]:
        """The share of rows that a rule counts as 0 because they have no value, by task."""
        return {f"no_value_is_0.{task}": rows / self._rows for task, rows in self._unfulfilled.items() if rows}

    def warnings(self) -> Iterator[str]:
        """What whoever uses the log must know."""
        for name, families in self._types.items():
            if len(families) > 1:
                held = " and ".join(f"{found} in {path}" for found, path in families.values())
                yield (
                    f"column {name!r} is {held}: ids are the same where their text is, and 7.0 is 7; check that they "
                    "mean the same in all files"
                )
        for name, found in self._rounded.items():
            yield (
                f"column {name!r} is {found}, of more than {FLOAT_DIGITS} digits, and is read as a number: what comes "
                f"after the first {FLOAT_DIGITS} is lost; as categorical its values are exact"
            )
        for name, (rows, path, row, text) in self._inexact.items():
            yield (
                f"column {name!r} holds {rows:,} ids as floats too large to be exact, the first {text} in row {row} of "
                f"{path}: neighbouring ids are one there; write the ids as integers or as text"
            )
        if self._zoned and self._naive:
            yield (
                f"timestamp {self._schema.timestamp!r} names a zone in {self._zoned:,} rows and none in "
                f"{self._naive:,}, which are taken as UTC"
            )
        yield from _exclusive(self._schema)


def family(found: pa.DataType) -> str:
    """The kind of values of a column, by which two files can disagree on it."""
    if pa.types.is_dictionary(found):
        return family(found.value_type)
    tests = {
        "integers": pa.types.is_integer,
        "floats": lambda kind: pa.types.is_floating(kind) or pa.types.is_decimal(kind),
        "truths": pa.types.is_boolean,
        "times": pa.types.is_temporal,
    }
    return next((kind for kind, test in tests.items() if test(found)), "text")


def _exclusive(schema: TableSchema) -> Iterator[str]:
    """Tasks of which no row can have two, as in a log of events."""
    by_column: dict[str, list[str]] = {}
    for task in schema.tasks:
        if task.equals is not None:
            by_column.setdefault(task.source, []).append(task.name)
    for column, tasks in by_column.items():
        if len(tasks) > 1:
            yield (
                f"tasks {_and(tasks)} are values of the one column {column!r}, so no row has two of them: if the log "
                "has a row for each event, make one row of all events of a user and an item, or of a session and an "
                f"item; `mtlbench data describe` says how"
            )


def _and(names: Sequence[str]) -> str:
    return " and ".join(map(repr, names))
