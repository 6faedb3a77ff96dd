"""Columns of another file that say more of the ids of a column, such as the features of the items."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import BeforeValidator, Field

from mtlbench.api import DataError, Params, SpilledFrame, did_you_mean
from mtlbench_plugins.datasets._table_file import CATEGORY, Block, TableFile
from mtlbench_plugins.datasets._table_ids import ids
from mtlbench_plugins.datasets._table_tasks import Text

if TYPE_CHECKING:
    from mtlbench_plugins.datasets._table_schema import TableSchema

EXAMPLES = {
    "join": 'join = [{ files = "items.csv", on = "item_id", columns = ["genre", "price"] }], and key = "id" where the '
    "column of ids has another name in that file"
}

Several = Annotated[
    tuple[Text, ...], BeforeValidator(lambda value: [value] if isinstance(value, str) else value), Field(min_length=1)
]


class TableJoin(Params):
    """Some columns of other files, which have one row for each id."""

    files: Several
    on: Text
    """The column of the log that holds the ids."""
    columns: Several
    key: Text | None = None
    """The column of ids in those files; ``None``: it has the same name."""


def as_joins(value: object) -> object:
    """One join as a list of it."""
    return [value] if isinstance(value, dict) else value


def contradiction(schema: "TableSchema") -> str | None:
    """What is wrong only when joins are taken together with other keys, with the remedy."""
    joined = [name for join in schema.join for name in join.columns]
    read = schema.columns()
    for name in joined:
        if joined.count(name) > 1:
            return f"column {name!r} stands twice in `join`: name it once"
        if name not in read:
            return f"`join` brings column {name!r}, which nothing uses: name it as an input, or take it out"
        for task in schema.tasks:
            if name in task.columns:
                return (
                    f"`join` brings column {name!r}, which gives the label {task.name!r}: a label is of a row, and not "
                    "of an id; write it into the log itself"
                )
    ids_of = (*schema.categorical, *filter(None, (schema.session, schema.user)))
    for join in schema.join:
        if join.on not in ids_of:
            return f"`join` is on {join.on!r}, which is no column of ids: {did_you_mean(join.on, list(ids_of))}"
        if join.on in joined:
            return f"`join` is on {join.on!r}, which another join brings: name a column of the log"
    return None


def unmatched(schema: "TableSchema", frame: SpilledFrame) -> str | None:
    """Which join brought nothing to any row of the log ``frame``, with the remedy."""
    lists = {one.name for one in schema.several}  # an empty one is no missing value
    for join in schema.join:
        brought = [name for name in join.columns if name not in lists]
        if brought and all(frame[name].isna().all() for name in brought):
            return (
                f"`join` brings no value of {', '.join(map(repr, brought))} to any row: no id of {join.on!r} is in "
                f"column {join.key or join.on!r} of {', '.join(join.files)}, or these columns are empty there: correct "
                "`on` or `key`, write the ids alike, or take the join out"
            )
    return None


@dataclass(frozen=True)
class Lookup:
    """What the files of a join say of each id."""

    join: TableJoin
    files: tuple[TableFile, ...]
    _known: dict[tuple[tuple[str, pa.DataType], ...], tuple[pd.Index, pa.Table]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What was read, for the other files of the log."""

    @property
    def key(self) -> str:
        """Their column of ids."""
        return self.join.key or self.join.on

    def fields(self) -> list[pa.Field]:
        """The columns that are joined, as the first file has them.

        Raises:
            DataError: a file lacks one, or the column of ids.
        """
        for file in self.files:
            for name in (self.key, *self.join.columns):
                if name not in (names := file.schema().names):
                    raise DataError(
                        f"{file.path}: there is no column {name!r} ({did_you_mean(name, names)}): correct `join` in "
                        "the description"
                    )
        return [self.files[0].schema().field(name) for name in self.join.columns]

    def read(self, types: Mapping[str, pa.DataType]) -> tuple[pd.Index, pa.Table]:
        """Every id as its one text, and the columns of ``types`` in its order; read once, however many files ask.

        Raises:
            DataError: an id has two rows, or a row no id, or there is no row.
        """
        wanted = tuple(types.items())
        if wanted not in self._known:
            self._known[wanted] = self._read(types)
        return self._known[wanted]

    def _read(self, types: Mapping[str, pa.DataType]) -> tuple[pd.Index, pa.Table]:
        blocks = [
            (file.path, first, block)
            for file in self.files
            for first, block in file.blocks({**types, self.key: CATEGORY})
        ]
        if not blocks:
            raise DataError(f"{self.files[0].path}: `join` is with a file that has no row: fill it, or take `join` out")
        texts = [np.asarray(ids(block[self.key]).column.cast(pa.string())) for _, _, block in blocks]
        for (path, first, _), keys in zip(blocks, texts, strict=True):
            if (missing := pd.isna(keys)).any():
                raise DataError(
                    f"{path}: {self.key!r} holds no id in row {first + int(missing.argmax())}: drop the row"
                )
        index = pd.Index(np.concatenate(texts))
        if index.has_duplicates:
            twice = index[index.duplicated()][0]
            raise DataError(f"{self.files[0].path}: {self.key!r} holds {twice!r} twice: keep one row for each id")
        return index, _one_below_the_other([block.select(list(types)) for _, _, block in blocks])


@dataclass(frozen=True)
class JoinedFile(TableFile):
    """A file with the columns that others say of its ids; missing where they have no row."""

    file: TableFile
    lookups: tuple[Lookup, ...]

    @property
    def joined(self) -> list[Path]:
        """The other files."""
        return [file.path for lookup in self.lookups for file in lookup.files]

    def rows(self) -> int:
        """How many rows it has."""
        return self.file.rows()

    def _own_schema(self) -> pa.Schema:
        own = self.file.schema()
        more = [one for lookup in self.lookups for one in lookup.fields()]
        for one in more:
            if one.name in own.names:
                raise DataError(f"{self.path}: column {one.name!r} is in the log, and `join` brings it: rename one")
        return pa.schema([*own, *more])

    def _own_blocks(self, types: Mapping[str, pa.DataType]) -> Iterator[Block]:
        brought = {name for lookup in self.lookups for name in lookup.join.columns}
        used = [lookup for lookup in self.lookups if any(name in types for name in lookup.join.columns)]
        tables = [lookup.read({name: types[name] for name in lookup.join.columns if name in types}) for lookup in used]
        own = {name: wanted for name, wanted in types.items() if name not in brought}
        for first, block in self.file.blocks({**own, **{lookup.join.on: CATEGORY for lookup in used}}):
            columns = {name: block[name] for name in own}
            for lookup, (index, table) in zip(used, tables, strict=True):
                rows = _rows(index, block[lookup.join.on])
                columns |= {name: table[name].take(rows).combine_chunks() for name in table.column_names}
            arrays = [_array(columns[name], wanted) for name, wanted in types.items()]
            yield first, pa.RecordBatch.from_arrays(arrays, list(types))


def _one_below_the_other(blocks: Sequence[pa.RecordBatch]) -> pa.Table:
    """The rows of all blocks. Ids that are floats in one file and texts in another become texts."""
    if any(block.schema != blocks[0].schema for block in blocks):
        blocks = [pa.RecordBatch.from_arrays(list(map(_as_texts, block)), block.schema.names) for block in blocks]
    return pa.Table.from_batches(blocks).unify_dictionaries()


def _as_texts(column: pa.Array) -> pa.Array:
    return ids(column).column if pa.types.is_dictionary(column.type) else column


def _rows(index: pd.Index, column: pa.DictionaryArray) -> pa.Array:
    """The row of each id in ``index``, missing where there is none."""
    found = ids(column).column
    place = np.append(index.get_indexer(pd.Index(found.dictionary.to_pylist(), dtype=object)), -1)
    rows = place[np.asarray(found.indices.fill_null(len(place) - 1))]
    return pa.array(rows, mask=rows < 0)


def _array(column: pa.Array | pa.ChunkedArray, wanted: pa.DataType) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.nulls(0, wanted)
    return column
