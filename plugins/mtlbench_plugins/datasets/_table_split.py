"""The key ``split`` of a description: how the log is split, where it is not 6:2:2."""

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import BeforeValidator, Field, StrictBool

from mtlbench.api import Params, Splitting
from mtlbench_plugins.datasets._table_clock import to_milliseconds
from mtlbench_plugins.datasets._table_tasks import Number, Text

if TYPE_CHECKING:
    from mtlbench_plugins.datasets._table_schema import TableSchema

EXAMPLES = {
    "split": 'split = { fractions = [0.8, 0.1, 0.1] }, { by_user = true }, { column = "part" }, or { validation_from = '
    "2024-05-20, test_from = 2024-05-27 }"
}


def _as_time(value: object) -> object:
    """A date or a text as a time; UTC where it names no zone."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("it is no date such as 2024-05-31 or 2024-05-31T13:45:00") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value.replace(tzinfo=value.tzinfo or UTC) if isinstance(value, datetime) else value


def _three(value: object) -> object:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError("it should be three numbers, of training, validation and test")
    return value


Cut = Annotated[Annotated[datetime, Field(strict=True)] | Number, BeforeValidator(_as_time)]


class TableSplit(Params):
    """The fields of :class:`mtlbench.api.Splitting`, with times as a person writes them."""

    fractions: Annotated[tuple[Number, Number, Number], BeforeValidator(_three)] = Splitting.fractions
    by_user: StrictBool = Splitting.by_user
    seed: Annotated[int, Field(strict=True)] = Splitting.seed
    validation_from: Cut | None = None
    """A date, or a number in the unit of timestamps that are numbers."""
    test_from: Cut | None = None
    column: Text | None = None

    def described(self, unit: str | None) -> Splitting:
        """What the log says of it; ``unit`` is that of timestamps that are numbers."""
        cuts = {name: _milliseconds(getattr(self, name), unit) for name in ("validation_from", "test_from")}
        return Splitting(self.fractions, self.by_user, self.seed, column=self.column, **cuts)


def contradiction(schema: "TableSchema") -> str | None:
    """What is wrong only when the split is taken together with other keys, with the remedy."""
    column, unit = schema.split.column, schema.timestamp_unit
    if column and column in (*schema.categorical, *schema.numerical, *schema.binned, schema.timestamp):
        return f"column {column!r} says how the log is split, and is an input or the timestamp: take it out there"
    for task in schema.tasks:
        if column in (task.name, *task.columns):
            return f"column {column!r} says how the log is split, and gives the label {task.name!r}: name another"
    for name in ("validation_from", "test_from"):
        cut = getattr(schema.split, name)
        if isinstance(cut, datetime) and schema.relative_time:
            return f"`{name}` is a date, and times count from a start of their own: give a number, in {unit}"
        if isinstance(cut, float) and unit is None:
            return f"`{name}` is the number {cut:.15g}, and no `timestamp_unit` says of what: give a date"
    has = [role for role in ("timestamp", "user") if getattr(schema, role)]
    return schema.split.described(unit).contradiction(has)


def _milliseconds(cut: datetime | float | None, unit: str | None) -> int | None:
    if isinstance(cut, datetime):
        return round(cut.timestamp() * 1000)
    return None if cut is None else int(to_milliseconds(np.array([cut]), str(unit))[0])
