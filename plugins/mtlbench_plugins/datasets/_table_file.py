"""What the files of a user's own table have in common, and the types in which any file gives its columns."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mtlbench.api import DataError

CATEGORY = pa.dictionary(pa.int32(), pa.string())
NUMBER = pa.float64()
NOT_A_NUMBER = (
    "name it in `categorical` if it is an id, in `bags` if it holds several in a row, or turn a text into a vector by "
    "a pretrained model and name that in `vectors`"
)
"""What to do with a text in place of a number."""

Block = tuple[int, pa.RecordBatch]
"""Number of its first row in the file, and the columns."""


@dataclass(frozen=True)
class Key:
    """A column that the folders of a file give, as ``day=3`` does."""

    name: str
    type: pa.DataType
    value: str | int | None


@dataclass(frozen=True)
class TableFile(ABC):
    """A file of a table. The fields of a struct ``a`` are columns ``a.b``."""

    path: Path
    keys: tuple[Key, ...] = field(default=(), kw_only=True)

    def schema(self) -> pa.Schema:
        """Its columns: those of the file, then those that its folders give."""
        found = [leaf for one in self._own_schema() for leaf in _leaves(one)]
        return pa.schema([*found, *(pa.field(key.name, key.type) for key in self.keys)])

    def blocks(self, types: Mapping[str, pa.DataType]) -> Iterator[Block]:
        """The named columns as the given types, those of floats as floats where they are to be ids."""
        keys = {key.name: key for key in self.keys if key.name in types}
        own = {name: wanted for name, wanted in types.items() if name not in keys}
        if not own:  # the rows are counted by some column
            own = dict([self._as_it_is()])
        for first, block in self._own_blocks(own):
            columns = [
                self._key(keys[name], wanted, len(block)) if name in keys else block[name]
                for name, wanted in types.items()
            ]
            yield first, pa.RecordBatch.from_arrays(columns, list(types))

    @abstractmethod
    def rows(self) -> int:
        """How many rows it has."""

    @abstractmethod
    def _own_schema(self) -> pa.Schema:
        """The columns of the file itself."""

    @abstractmethod
    def _own_blocks(self, types: Mapping[str, pa.DataType]) -> Iterator[Block]:
        """Columns of the file itself, as :meth:`blocks` gives them."""

    def _as_it_is(self) -> tuple[str, pa.DataType]:
        """A column and a type as which it can be read whatever it holds."""
        first = next(leaf for one in self._own_schema() for leaf in _leaves(one))
        return first.name, first.type

    def _key(self, key: Key, wanted: pa.DataType, rows: int) -> pa.Array:
        """A key of the folders as a column."""
        return self._cast(key.name, pa.repeat(pa.scalar(key.value, key.type), rows), wanted)

    def _columns(self, table: pa.RecordBatch, types: Mapping[str, pa.DataType]) -> pa.RecordBatch:
        """The columns of a block with its types, fields of structs among them, as the wanted types."""
        columns = [self._cast(name, _found(table, name), wanted) for name, wanted in types.items()]
        return pa.RecordBatch.from_arrays(columns, list(types))

    def _cast(self, name: str, column: pa.Array, wanted: pa.DataType) -> pa.Array:
        if column.type == wanted:
            return column
        use = {CATEGORY: "an id", NUMBER: "a number"}.get(wanted, "a time")
        values = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        subject = f"{self.path}: column {name!r} is {column.type}, which cannot be read as {use}"
        if reason := _remedy(name, values, wanted):
            raise DataError(f"{subject}: {reason}, or leave it out")
        try:
            if wanted != CATEGORY:
                if pa.types.is_dictionary(column.type):
                    column = column.dictionary_decode()
                if pa.types.is_timestamp(wanted):  # in nanoseconds the calendar ends in 2262
                    return column.cast(pa.timestamp("ms", wanted.tz), safe=False)
                return column.cast(wanted)
            ids = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
            floating = pa.types.is_floating(ids.dictionary.type)
            texts = ids.dictionary if floating else ids.dictionary.cast(pa.string())
            return pa.DictionaryArray.from_arrays(ids.indices.cast(pa.int32()), texts)
        except pa.ArrowException as error:
            raise DataError(f"{subject} ({' '.join(str(error).split())[:200]}): convert it, or leave it out") from error


def _remedy(name: str, found: pa.DataType, wanted: pa.DataType) -> str | None:
    """What to do about a column of a type that has no such use; ``None`` where it may have."""
    if pa.types.is_nested(wanted):
        return None
    if pa.types.is_map(found):
        return "write the values of those keys that matter into columns of their own"
    if pa.types.is_nested(found):
        if pa.types.is_struct(found) or pa.types.is_nested(found.value_type):
            return "write its values into columns of their own"
        if pa.types.is_floating(found.value_type):
            return f'it has several numbers in a row: name it in `vectors`, as vectors = ["{name}"]'
        return f'it has several values in a row: name it in `bags`, as bags = ["{name}"]'
    if "binary" in str(found):
        return "write its bytes as text"
    if wanted == NUMBER and pa.types.is_time(found):
        return "write its hour, or its seconds since midnight, as a number, or name it as categorical"
    if wanted == NUMBER and pa.types.is_temporal(found):
        return "write what matters of it, such as its hour or the days since an event, as a number"
    return None


def is_list(found: pa.DataType) -> bool:
    """Whether a column holds lists of single values."""
    listed = pa.types.is_list(found) or pa.types.is_large_list(found) or pa.types.is_fixed_size_list(found)
    return bool(listed and not pa.types.is_nested(found.value_type))


def _leaves(one: pa.Field) -> Iterable[pa.Field]:
    """A column, or the fields of a struct as columns."""
    if not pa.types.is_struct(one.type) or not one.type.num_fields:
        return [one]
    return [leaf for inner in one.type for leaf in _leaves(pa.field(f"{one.name}.{inner.name}", inner.type))]


def _found(table: pa.RecordBatch, name: str) -> pa.Array:
    """A column, or a field of a struct."""
    if name in table.schema.names:
        return table[name]
    top = outer(name, table.schema.names)
    column, rest = table[top], name[len(top) + 1 :]
    while rest:
        inner = next(one.name for one in column.type if rest == one.name or rest.startswith(f"{one.name}."))
        column, rest = pc.struct_field(column, [inner]), rest[len(inner) + 1 :]
    return column


def outer(name: str, columns: Iterable[str]) -> str:
    """The column of the file in which the column ``name`` is."""
    columns = list(columns)
    return name if name in columns else next(one for one in columns if name.startswith(f"{one}."))
