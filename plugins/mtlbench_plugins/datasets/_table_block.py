"""From raw columns of a block to labels, milliseconds, numbers and ids, each checked as it is converted."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_bags import TableBag, bag, bracketed, marks
from mtlbench_plugins.datasets._table_clock import LAST_MS, MS, to_milliseconds
from mtlbench_plugins.datasets._table_dates import Times, parse, parse_as
from mtlbench_plugins.datasets._table_file import NOT_A_NUMBER, NUMBER
from mtlbench_plugins.datasets._table_forms import NUMBER as A_NUMBER
from mtlbench_plugins.datasets._table_ids import ids
from mtlbench_plugins.datasets._table_schema import TableSchema
from mtlbench_plugins.datasets._table_survey import Survey
from mtlbench_plugins.datasets._table_tasks import GIVEN, NEITHER, ORDERS, Condition, TableTask

Labels = NDArray[np.int8] | NDArray[np.float64]


class CheckedBlock:
    """One block whose columns are checked as they are converted."""

    def __init__(
        self, path: Path, first: int, block: pa.RecordBatch, schema: TableSchema, survey: Survey, form: str | None
    ) -> None:
        self._path, self._first, self._block, self._schema = path, first, block, schema
        self._survey, self._form = survey, form
        self._ids: dict[str, pa.DictionaryArray] = {}
        self._labels: dict[str, Labels] = {}

    def batch(self) -> pa.RecordBatch:
        """The columns of the log.

        Raises:
            DataError: naming file, column, row and remedy.
        """
        schema = self._schema
        columns: dict[str, pa.Array] = {}
        for column in schema.categorical:
            columns[column] = self._id(column)
        for column in (*schema.numerical, *schema.binned):
            columns[column] = self._number(column)
            self._refuse(column, pc.is_inf(columns[column]), "make it finite, or add the value to `missing`")
        for one in schema.bags:
            columns[one.name] = self._bag(one)
        for column in schema.vectors:
            columns[column] = self._block[column]
        for mark, where in marks(schema).items():
            columns[mark] = pa.array(self._fulfilled(where, "where"))
        for role, name in (("session", schema.session), ("user", schema.user)):
            if name:
                columns[schema.id_column(name)] = self._id(name)
                self._refuse(name, pc.is_null(self._id(name)), f"give every row a {role} id, or drop the row")
        if schema.split.column:
            columns[schema.split.column] = self._id(schema.split.column)
        if schema.weight:
            columns[schema.weight] = self._weight(schema.weight)
        if schema.timestamp:
            columns[schema.timestamp] = self._milliseconds(schema.timestamp)
        labels = {task.name: self._label(task) for task in schema.tasks}
        if schema.funnel:
            self._check_funnel(labels)
        arrays = [*columns.values(), *map(pa.array, labels.values())]
        return pa.RecordBatch.from_arrays(arrays, [*columns, *labels])

    def _id(self, name: str) -> pa.DictionaryArray:
        if name not in self._ids:
            found = ids(self._block[name])
            if found.inexact is not None:
                self._survey.see_inexact(name, found.column, found.inexact)
            self._ids[name] = found.column
        return self._ids[name]

    def _bag(self, one: TableBag) -> pa.Array:
        column = self._block[one.column]
        if pa.types.is_dictionary(column.type):
            remedy = f"write its ids with {one.separator!r} between them, without brackets and quotes"
            self._refuse(one.column, bracketed(column), remedy)
        return bag(column, one.separator)

    def _number(self, name: str) -> pa.Array:
        column = self._block[name]
        if column.type == NUMBER:
            return column
        values = column.dictionary
        if not pa.types.is_floating(values.type):
            values = pc.utf8_trim_whitespace(values)
            words = pa.array([not _is_number(text) for text in values.to_pylist()], pa.bool_())
            remedy = f"a number is called for: correct it, add the value to `missing`, or {NOT_A_NUMBER}"
            self._refuse(name, words.take(column.indices), remedy)
        return values.cast(NUMBER).take(column.indices)

    def _weight(self, name: str) -> pa.Array:
        numbers = self._number(name)
        self._refuse(
            name, pc.is_null(numbers, nan_is_null=True), "give every row its weight, 0 where it is not to count"
        )
        usable = pc.and_(pc.is_finite(numbers), pc.greater_equal(numbers, 0))
        self._refuse(name, pc.invert(usable), "a weight is a finite number of 0 or more: correct it")
        return numbers

    def _milliseconds(self, name: str) -> pa.Array:
        schema, column = self._schema, self._block[name]
        self._refuse(name, pc.is_null(column, nan_is_null=True), "give every row its time, or drop the row")
        if pa.types.is_temporal(column.type):
            self._survey.see_zones(np.full(len(column), column.type.tz is not None))
            raw = np.asarray(column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64()))
        elif pa.types.is_dictionary(column.type) and self._form != A_NUMBER:
            raw = self._written(name)
        else:
            raw = (self._number(name) if pa.types.is_dictionary(column.type) else column).to_numpy(zero_copy_only=False)
            if schema.relative_time:
                too_far = pa.array(np.abs(raw * MS[str(schema.timestamp_unit)]) > LAST_MS)
                self._refuse(name, too_far, "check `timestamp_unit` and the value")
        self._survey.clock.see(self._path, self._first, raw)
        return pa.array(to_milliseconds(raw, schema.timestamp_unit) if schema.timestamp_unit else raw)

    def _written(self, name: str) -> NDArray[np.int64]:
        """The milliseconds of dates that are text."""
        form = self._schema.timestamp_format
        column = self._id(name) if form else self._block[name]
        times: Times = parse_as(column.dictionary, form) if form else parse(column.dictionary, str(self._form))
        remedy = f"it is not of the form {form!r} (`timestamp_format`): correct it, or drop the row"
        self._refuse(name, pa.array(~times.fits).take(column.indices), remedy)
        self._survey.see_zones(times.zoned[np.asarray(column.indices)])
        return times.milliseconds[np.asarray(column.indices)]

    def _label(self, task: TableTask) -> Labels:
        """The labels of a task, as numbers with NaN where it is not observed; int8 of a binary task of all rows."""
        if task.name not in self._labels:
            rows = self._observed(task)
            found = self._quantity(task, rows) if task.kind != "binary" else self._truth(task, rows)
            self._labels[task.name] = found if rows is None else np.where(rows, found, np.nan)
        return self._labels[task.name]

    def _observed(self, task: TableTask) -> NDArray[np.bool_] | None:
        """The rows in which ``task`` is observed; ``None``: all."""
        rows = self._fulfilled(task.observed) if task.observed else None
        if task.within:
            earlier = next(one for one in self._schema.tasks if one.name == task.after)
            happened = self._label(earlier) == 1
            rows = happened if rows is None else rows & happened
        return rows

    def _fulfilled(self, condition: Condition, key: str = "observed") -> NDArray[np.bool_]:
        name = condition.column
        if condition.is_of_numbers:
            numbers = self._number(name).to_numpy(zero_copy_only=False)
            return np.asarray(ORDERS[str(condition.sign)](numbers, condition.value))
        column = self._block[name]
        if condition.sign == GIVEN:
            missing = pc.is_null(column, nan_is_null=True) if column.type == NUMBER else pc.is_null(self._id(name))
            return ~np.asarray(missing)
        ids = self._id(name)
        values = np.array([*map(condition.of_text, ids.dictionary.to_pylist()), 0], np.int8)
        found = values[np.asarray(pc.fill_null(ids.indices, len(values) - 1))]
        remedy = f'`{key} = "{name}"` takes a column of 0 and 1: correct the row, or compare, as "{name} >= 1" does'
        self._refuse(name, pa.array(found == NEITHER), remedy)
        return found == 1

    def _quantity(self, task: TableTask, rows: NDArray[np.bool_] | None) -> NDArray[np.float64]:
        numbers = self._number(task.source)
        self._refuse_gaps(task, pc.is_null(numbers, nan_is_null=True), rows)
        return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)

    def _truth(self, task: TableTask, rows: NDArray[np.bool_] | None) -> NDArray[np.int8]:
        if task.at_least is not None:
            numbers = self._number(task.source)
            self._see_missing(task, pc.is_null(numbers, nan_is_null=True), rows)
            return np.asarray(pc.fill_null(pc.greater_equal(numbers, task.at_least), False)).astype(np.int8)
        column = self._id(task.source)
        if task.equals is None:
            self._refuse_gaps(task, pc.is_null(column), rows)
        else:
            self._see_missing(task, pc.is_null(column), rows)
        values = np.array([*map(task.label, column.dictionary.to_pylist()), task.label(None)], np.int8)
        labels: NDArray[np.int8] = values[np.asarray(pc.fill_null(column.indices, len(values) - 1))]
        rule = f'{{ name = "{task.name}", column = "{task.source}", equals = ... }}'
        remedy = (
            f"a label is 0 or 1: correct the row, write the task as {rule}, which makes 0 of every other value, say "
            '`kind = "real"` or "nonnegative" of a number, or say by `observed` in which rows its label is known'
        )
        self._refuse(task.source, pa.array(_in(rows, labels == NEITHER)), remedy)
        return labels

    def _refuse_gaps(self, task: TableTask, missing: pa.Array, rows: NDArray[np.bool_] | None) -> None:
        """Refuse a label that is missing where it is said to be observed."""
        if task.observed:
            remedy = f"task {task.name!r} is observed there, for `{task.observed.text}`: correct the row or `observed`"
        elif task.within:
            remedy = f"task {task.name!r} is of this row, for {task.after!r} is 1 there: correct the row"
        else:
            remedy = (
                "a label that was not observed is not 0: say in which rows it was, such as "
                f'{{ name = "{task.name}", column = "{task.source}", observed = "{task.source} is given" }}, or drop '
                "the rows without a label"
            )
        self._refuse(task.source, pa.array(_in(rows, np.asarray(missing))), remedy)

    def _see_missing(self, task: TableTask, missing: pa.Array, rows: NDArray[np.bool_] | None) -> None:
        self._survey.see_missing(task.name, int(_in(rows, np.asarray(missing)).sum()))

    def _check_funnel(self, labels: Mapping[str, Labels]) -> None:
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
            held = "no value" if value is None or value != value else repr(value)
            raise DataError(f"{self._path}: column {name!r} holds {held} in row {self._first + place}: {remedy}")


def _in(rows: NDArray[np.bool_] | None, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those of ``chosen`` that are in ``rows``."""
    return chosen if rows is None else chosen & rows


def _is_number(text: str | None) -> bool:
    """Whether pyarrow reads it as one: unlike Python, no "1_000" and no digits of other scripts."""
    try:
        return text is None or (float(text) == float(text) and text.isascii() and "_" not in text)
    except ValueError:
        return False
