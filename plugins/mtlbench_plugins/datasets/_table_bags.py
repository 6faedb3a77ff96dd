"""Columns of several ids in a row: bags of a file, and the histories of a user."""

from typing import TYPE_CHECKING, Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, Field

from mtlbench.api import BagColumn, DataError, Params, Pooling, did_you_mean
from mtlbench_plugins.datasets._table_file import is_list
from mtlbench_plugins.datasets._table_files import CATEGORY, TableFile
from mtlbench_plugins.datasets._table_ids import ids
from mtlbench_plugins.datasets._table_tasks import Condition, Text, parse_condition

if TYPE_CHECKING:
    from mtlbench_plugins.datasets._table_schema import TableSchema

BAG = pa.large_list(pa.large_string())
Length = Annotated[int, Field(ge=1, le=10_000, strict=True)]
EXAMPLES = {
    "bags": 'bags = ["tags", { column = "genre", separator = "|" }]',
    "history": 'history = [{ of = "item_id", where = "click", last = 20 }]',
}


class TableBag(Params):
    """A column of lists, or of texts that a separator cuts into ids."""

    column: Text
    separator: Text | None = None
    length: Length = 20
    pooling: Pooling = "mean"
    of: Text | None = None

    @property
    def name(self) -> str:
        """What it is called in the log."""
        return self.column

    def described(self) -> BagColumn:
        """What the log says of it."""
        return BagColumn(self.name, self.length, self.pooling, self.of)


class TableHistory(Params):
    """The last ids of a column in the user's earlier rows."""

    of: Text
    where: Annotated[Condition, BeforeValidator(parse_condition)] | None = None
    last: Length = 20
    pooling: Pooling = "mean"
    column: Text | None = None

    @property
    def name(self) -> str:
        """What it is called in the log."""
        return self.column or f"history of {self.of}{f' where {self.where.text}' if self.where else ''}"

    @property
    def mark(self) -> str:
        """The column of the log that says which events count, if that is no label."""
        return f"{self.name}, where"

    def described(self) -> BagColumn:
        """What the log says of it."""
        return BagColumn(self.name, self.last, self.pooling, self.of)


def as_bag(value: object) -> object:
    """A bare name as a bag."""
    return {"column": value} if isinstance(value, str) else value


def marks(schema: "TableSchema") -> dict[str, Condition]:
    """Which events count in a history, by the name of their column in the log, where that is no label."""
    tasks = [task.name for task in schema.tasks]
    conditions = {history.mark: history.where for history in schema.history}
    return {name: where for name, where in conditions.items() if where and where.text not in tasks}


def contradiction(schema: "TableSchema") -> str | None:
    """What is wrong only when the keys of bags are taken together with others, with the remedy."""
    names = [one.name for one in schema.several]
    for one in schema.several:
        key = "bags" if isinstance(one, TableBag) else "history"
        if reason := _taken(one.name, schema):
            return reason
        if names.count(one.name) > 1:
            return f"{one.name!r} stands twice in `bags` and `history`: keep one, or give a history a name by `column`"
        if one.of is not None and one.of not in schema.categorical:
            hint = did_you_mean(one.of, list(schema.categorical)) if schema.categorical else "there is none"
            return f"`{key}`: {one.name!r} is of the ids of {one.of!r}, which is no categorical input: {hint}"
        if one.pooling == "attention" and one.of is None:
            return (
                f"`{key}`: attention compares the ids of {one.name!r} with the row's own: name its column, as in "
                f'{{ column = "{one.name}", pooling = "attention", of = "item_id" }}, or take "mean" or "sum"'
            )
    if schema.history and not (schema.user and schema.timestamp):
        return '`history` needs `user` and `timestamp`: user = "user_id", timestamp = "time"'
    for task in schema.tasks:
        for history in schema.history:
            if history.where and history.where.text == task.name and task.kind != "binary":
                return (
                    f'`history`: `where = "{task.name}"` is a task of kind {task.kind!r}, and not of 0 and 1: compare '
                    f'its column with a number, as `where = "{task.source} >= 1"` does'
                )
    return _condition_on_no_value(schema)


def _condition_on_no_value(schema: "TableSchema") -> str | None:
    """Which history has a condition on a column that is read as no single value, with the remedy."""
    lists = [*schema.vectors, *(bag.column for bag in schema.bags if bag.separator is None)]
    uses: dict[str | None, str] = dict.fromkeys(lists, "holds lists")
    uses[schema.timestamp] = "is the timestamp"
    for history in schema.history:
        if history.where and history.where.column in uses:
            name = history.where.column
            return (
                f'`history`: `where = "{history.where.text}"` is a condition on {name!r}, which {uses[name]}: write a '
                "column of 0 and 1 that says which rows count, and name that"
            )
    return None


def _taken(name: str, schema: "TableSchema") -> str | None:
    """What else a bag or a history called ``name`` is, with the remedy."""
    if name in (*schema.categorical, *schema.numerical, *schema.binned):
        return f"column {name!r} stands in `bags` or `history` and among the other inputs: name it once"
    for task in schema.tasks:
        if name in (task.name, task.source):
            return f"column {name!r} is a bag and gives the label {task.name!r}, which leaks the answer: take it out"
        if task.observed and task.observed.column == name:
            return (
                f"column {name!r} is a bag and says where {task.name!r} was observed, which leaks the answer: take it "
                "out of `bags`"
            )
    if name == schema.split.column:
        return f"column {name!r} is a bag and says how the log is split: take it out of `bags`"
    for role in ("timestamp", "session", "user"):
        if name == getattr(schema, role):
            return f"column {name!r} is a bag and the {role}: name another column for one of them"
    return None


def check_lists(file: TableFile, schema: "TableSchema", present: pa.Schema) -> None:
    """Refuse a list that is to be an id, and a bag that is neither a list nor a text with a separator.

    Raises:
        DataError: naming file, column, type and remedy.
    """
    for name in schema.categorical:
        found = present.field(name).type
        if is_list(found):
            raise DataError(
                f"{file.path}: column {name!r} is {found}, of several ids in a row, and cannot be read as an id: name "
                f'it in `bags`, as bags = ["{name}"], or leave it out'
            )
    for bag in schema.bags:
        found = present.field(bag.column).type
        subject = f"{file.path}: column {bag.column!r} is {found}"
        if is_list(found) and bag.separator:
            raise DataError(f"{subject}, lists already: take its `separator` {bag.separator!r} out")
        if pa.types.is_nested(found) and not is_list(found):
            raise DataError(f"{subject}, and no bag of ids: write its ids as a list in a column of their own")
        if is_list(found) and "binary" in str(found.value_type):
            raise DataError(f"{subject}, and ids are no bytes: write them as text, or as numbers")
        if not is_list(found) and not pa.types.is_null(found) and not bag.separator:
            raise DataError(
                f"{subject}, and no list: say what stands between its ids, as in "
                f'bags = [{{ column = "{bag.column}", separator = "|" }}], or name it as categorical'
            )


def type_of(found: pa.DataType) -> pa.DataType:
    """The type as which the column of a bag is read."""
    return found if is_list(found) else CATEGORY


def bracketed(column: pa.Array) -> pa.Array:
    """Which rows hold the text of a list in brackets, as ``['a', 'b']``, rather than ids with a separator."""
    texts = pc.match_substring_regex(column.dictionary.cast(pa.string()), r"^\s*\[.*\]\s*$")
    return texts.take(column.indices)


def bag(column: pa.Array, separator: str | None) -> pa.Array:
    """The ids of each row, each as its one text; missing and empty ones are none.

    Args:
        column: lists, or texts as a dictionary.
        separator: what stands between the ids of a text, with or without spaces around it.
    """
    if not pa.types.is_dictionary(column.type):
        return _spelt(column)
    texts = ids(column).column.dictionary if pa.types.is_floating(column.type.value_type) else column.dictionary
    texts = texts.cast(pa.string())
    lists = pc.split_pattern(texts, separator) if separator else pa.nulls(len(texts), pa.list_(pa.string()))
    empty = pa.array([[]], lists.type)  # of the rows without a text
    return _spelt(pa.concat_arrays([lists, empty]), trim=True).take(pc.fill_null(column.indices, len(texts)))


def _spelt(lists: pa.Array, trim: bool = False) -> pa.Array:
    """The lists with their ids as :func:`ids` spells them, without those that are missing or empty."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    values = lists.flatten()
    if trim:
        values = pc.utf8_trim_whitespace(values)
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    if not pa.types.is_floating(values.type.value_type):
        values = pa.DictionaryArray.from_arrays(values.indices, values.dictionary.cast(pa.string()))
    texts = ids(values).column.cast(pa.large_string())
    kept = np.asarray(pc.fill_null(pc.not_equal(texts, ""), False))
    ends = np.append(0, np.cumsum(kept))[np.append(0, np.cumsum(lengths))]
    return pa.LargeListArray.from_arrays(ends, texts.filter(pa.array(kept)))
