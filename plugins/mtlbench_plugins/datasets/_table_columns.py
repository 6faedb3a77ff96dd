"""From raw columns of a user's table to labels, milliseconds, numbers and ids. Each block is checked as it is read."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_files import CATEGORY, NUMBER, TableFile, require
from mtlbench_plugins.datasets._table_schema import NEITHER, TableSchema, Task

MS = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
LAST_MS = 2**53
"""The largest number of milliseconds up to which a float is exact."""
PLAUSIBLE = (631_152_000_000, 4_102_444_800_000)
"""Milliseconds: 1990 to 2100."""


def read(file: TableFile, schema: TableSchema) -> Iterator[pa.RecordBatch]:
    """The blocks of ``file``: labels by task name, inputs, session and user, and the timestamp in milliseconds.

    Raises:
        DataError: a value is wrong; the message names file, column, row and remedy.
    """
    present = file.schema()
    require(file, schema.columns(), present.names)
    types = {name: _type(name, schema, present) for name in schema.columns()}
    if schema.timestamp:
        _require_unit(file.path, schema, types[schema.timestamp])
    for first, block in file.blocks(types):
        if len(block):
            yield _Checked(file.path, first, block, schema).batch()


def _type(name: str, schema: TableSchema, present: pa.Schema) -> pa.DataType:
    if name == schema.timestamp:
        found = present.field(name).type
        if pa.types.is_temporal(found):
            return pa.timestamp("ns", tz=getattr(found, "tz", None))
        if pa.types.is_integer(found):
            return pa.int64()
        return NUMBER if pa.types.is_floating(found) or pa.types.is_null(found) else CATEGORY
    scores = {task.source for task in schema.tasks if task.at_least is not None}
    return NUMBER if name in schema.numerical or name in scores else CATEGORY


def _require_unit(path: Path, schema: TableSchema, found: pa.DataType) -> None:
    name, unit = schema.timestamp, schema.timestamp_unit
    if found == CATEGORY:
        raise DataError(
            f"{path}: timestamp {name!r} is text: write it as 2024-05-31 13:45:00 (ISO 8601), or as a number of "
            "seconds or milliseconds with `timestamp_unit`"
        )
    if pa.types.is_temporal(found) == bool(unit):
        problem = (
            f"is a date already, and `timestamp_unit` is set to {unit!r}: take it out"
            if unit
            else 'is a number: say `timestamp_unit = "s"` for seconds, "ms", "us" or "ns"'
        )
        raise DataError(f"{path}: timestamp {name!r} {problem}")


class _Checked:
    """One block whose columns are checked as they are converted."""

    def __init__(self, path: Path, first: int, block: pa.RecordBatch, schema: TableSchema) -> None:
        self._path, self._first, self._block, self._schema = path, first, block, schema

    def batch(self) -> pa.RecordBatch:
        schema = self._schema
        columns: dict[str, pa.Array] = {}
        for column in (*schema.categorical, *schema.numerical):
            columns[column] = self._block[column]
        for column in schema.numerical:
            self._refuse(column, pc.is_inf(columns[column]), "make it finite, or add the value to `missing`")
        for role, name in (("session", schema.session), ("user", schema.user)):
            if name:
                columns[name] = self._block[name]
                remedy = f"give every row a {role} id, or drop the row"
                self._refuse(name, pc.is_null(columns[name], nan_is_null=True), remedy)
        if schema.timestamp:
            columns[schema.timestamp] = self._milliseconds(schema.timestamp)
        labels = {task.name: self._label(task) for task in schema.tasks}
        if schema.relation == "funnel":
            self._check_funnel(labels)
        arrays = [*columns.values(), *map(pa.array, labels.values())]
        return pa.RecordBatch.from_arrays(arrays, [*columns, *labels])

    def _milliseconds(self, name: str) -> pa.Array:
        column = self._block[name]
        self._refuse(name, pc.is_null(column, nan_is_null=True), "give every row its time, or drop the row")
        if pa.types.is_timestamp(column.type):
            return pc.divide(column.cast(pa.int64()), 1_000_000)
        unit = str(self._schema.timestamp_unit)
        raw = column.to_numpy(zero_copy_only=False)
        scaled = raw * MS[unit]
        self._refuse(name, pa.array(np.abs(scaled) > LAST_MS), "check `timestamp_unit` and the value")
        self._check_unit(name, float(raw[0]), unit)
        return pa.array(np.floor(scaled).astype(np.int64))

    def _check_unit(self, name: str, value: float, unit: str) -> None:
        """Refuse a unit that puts the log far from our time, if another unit would not."""
        if PLAUSIBLE[0] <= value * MS[unit] < PLAUSIBLE[1]:
            return
        for other, factor in MS.items():
            if PLAUSIBLE[0] <= value * factor < PLAUSIBLE[1]:
                day = datetime.fromtimestamp(value * factor / 1000, UTC).date()
                raise DataError(
                    f"{self._path}: timestamp {name!r} holds {value:.0f} in row {self._first}, which is in {day} if it "
                    f'counts {other!r}, and no date of our time in {unit!r}: set `timestamp_unit = "{other}"`'
                )

    def _label(self, task: Task) -> NDArray[np.int8]:
        column = self._block[task.source]
        if task.at_least is not None:
            return np.asarray(pc.fill_null(pc.greater_equal(column, task.at_least), False)).astype(np.int8)
        values = np.array([*map(task.label, column.dictionary.to_pylist()), task.label(None)], np.int8)
        labels: NDArray[np.int8] = values[np.asarray(pc.fill_null(column.indices, len(values) - 1))]
        rule = f'{{ name = "{task.name}", column = "{task.source}", equals = ... }}'
        remedy = f"a label is 0 or 1: correct or drop the row, or write the task as {rule}"
        self._refuse(task.source, pa.array(labels == NEITHER), remedy)
        return labels

    def _check_funnel(self, labels: Mapping[str, NDArray[np.int8]]) -> None:
        for (earlier, reached), (later, wanted) in pairwise(labels.items()):
            broken = (wanted == 1) & (reached == 0)
            if broken.any():
                raise DataError(
                    f"{self._path}: task {later!r} is 1 where {earlier!r} is 0 in row {self._first + broken.argmax()}, "
                    f"which no funnel allows: order `tasks` from the first stage to the last, or say "
                    '`relation = "parallel"`'
                )

    def _refuse(self, name: str, bad: pa.Array, remedy: str) -> None:
        bad = pc.fill_null(bad, False)
        if pc.any(bad).as_py():
            place = pc.index(bad, True).as_py()
            value = self._block[name][place].as_py()
            held = "no value" if value is None else repr(value)
            raise DataError(f"{self._path}: column {name!r} holds {held} in row {self._first + place}: {remedy}")
