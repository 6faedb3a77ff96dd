"""The part of a table that a description is drafted from."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_dates import parse
from mtlbench_plugins.datasets._table_file import is_list
from mtlbench_plugins.datasets._table_files import CATEGORY, NUMBER, CsvFile, TableFile, require
from mtlbench_plugins.datasets._table_forms import NUMBER as A_NUMBER
from mtlbench_plugins.datasets._table_forms import Forms
from mtlbench_plugins.datasets._table_ids import ids
from mtlbench_plugins.datasets._table_survey import family
from mtlbench_plugins.describing.bags import is_bag

BAG, VECTOR, EMPTY_BAG, NUMBERS = "list of ids", "vector", "empty list", "list of numbers"
NOT_UTF_8 = "text, not UTF-8"
UNREADABLE = {NOT_UTF_8, BAG, VECTOR, EMPTY_BAG, NUMBERS, "list", "map", "bytes", "duration"}
"""Kinds of columns of which nothing is looked at."""
WHOLE = r"^-?\d+$"
NARROWEST = 2
"""Numbers of a vector from which a column of lists is taken for one of vectors."""
LAST_EXACT = 2.0**53
"""From here on a float does not tell neighbouring integers apart: such numbers are ids."""
ENOUGH = 100_000
"""Rows from which no further file is looked at."""
LONGEST_NAME = 1000
"""Characters of the name of a column, as many as a record holds."""


@dataclass(frozen=True)
class Sample:
    """The first blocks of the first files of a table; the whole table is judged by them."""

    frame: pd.DataFrame
    """Numbers, times in UTC and, as categories, everything else; without what cannot be read."""
    rows: int
    """Number of rows of the whole table."""
    kinds: Mapping[str, str]
    """Of each column: ``text``, ``integer``, ``number``, ``truth``, ``time``, ``date`` (a text whose day and month
    cannot be told apart), ``time of day``, ``empty``, or one of ``UNREADABLE``."""
    changes: Sequence[str]
    """What the types of the files disagree on, as sentences."""
    keys: Mapping[str, int] = field(default_factory=dict)
    """The columns that the folders of the files give, and how many values each has in all files."""
    origins: Sequence[tuple[Path, int]] = ()
    """The files of the rows, and how many rows are of each."""

    @property
    def readable(self) -> list[str]:
        """The columns of ``frame``."""
        return [name for name, kind in self.kinds.items() if kind not in UNREADABLE]


def read_sample(files: Sequence[TableFile]) -> Sample:
    """The first blocks of ``files`` up to ``ENOUGH`` rows, with the rows of all files counted.

    Raises:
        DataError: a file cannot be read, or lacks a column of the first; or a name is too long to show.
    """
    found = files[0].schema()
    for place, name in enumerate(found.names):
        if len(name) > LONGEST_NAME:
            raise DataError(
                f"{files[0].path}: the name of column {place + 1} has {len(name):,} characters, more than "
                f"{LONGEST_NAME:,} ({name[:40]!r} ...): give it a shorter name; check that the first row is a header"
            )
    require(files[0], found.names, found.names)
    changes: list[str] = []
    alike = []
    for file in files:
        other = file.schema()
        if lacking := [name for name in found.names if name not in other.names]:
            raise DataError(
                f"{file.path} has other columns than {files[0].path}: it lacks {', '.join(map(repr, lacking[:5]))}"
                f"{', ...' * (len(lacking) > 5)}; the files of a log have the same columns, so name one of them, or "
                "keep other tables in another folder"
            )
        own = list(_changes(found, other, files[0], file))
        changes += own
        joined = None if own else _joined(found, other)
        if joined is not None:
            found = joined
            alike.append(file)
    kinds = {one.name: _kind(one.type) for one in found}
    if isinstance(files[0], CsvFile):
        kinds = {name: NOT_UTF_8 if kind == "bytes" else kind for name, kind in kinds.items()}
    kinds |= dict.fromkeys(_vectors(alike, found), VECTOR)
    kinds |= dict.fromkeys(_without_ids(alike, [name for name, kind in kinds.items() if kind == BAG], found), EMPTY_BAG)
    types = {one.name: _type(one.type) for one in found if kinds[one.name] not in UNREADABLE}
    block, origins = _first_blocks(alike, types)
    rows = sum(file.rows() for file in files)
    columns = {}
    for name in types:
        columns[name], kinds[name] = _column(alike, name, block[name], kinds[name])
    given = {(key.name, key.value) for file in files for key in file.keys}
    return Sample(pd.DataFrame(columns), rows, kinds, changes, Counter(name for name, _ in given), origins)


def _joined(found: pa.Schema, other: pa.Schema) -> pa.Schema | None:
    """The columns of ``found`` with types that hold the values of ``other`` too; ``None`` where there are none."""
    same = pa.schema([other.field(name) for name in found.names])
    try:
        return pa.unify_schemas([found, same], promote_options="permissive")
    except pa.ArrowException:
        return None


def _first_blocks(
    files: Sequence[TableFile], types: Mapping[str, pa.DataType]
) -> tuple[pa.RecordBatch, list[tuple[Path, int]]]:
    """The first block of each file until there are enough rows, joined; and how many rows are of which file."""
    blocks: list[pa.RecordBatch] = []
    origins: list[tuple[Path, int]] = []
    for file in files:
        block = next((block for _, block in file.blocks(types) if len(block)), None)
        if block is not None:
            blocks.append(block)
            origins.append((file.path, len(block)))
        if sum(map(len, blocks)) >= ENOUGH:
            break
    if not blocks:
        raise DataError(
            f"{files[0].path}: there are no rows, so nothing can be said of the columns; give a longer table"
        )
    if len(blocks) == 1:
        return blocks[0], origins
    joined = [pa.concat_arrays([_decoded(block[name]) for block in blocks]) for name in types]
    columns = [
        column.dictionary_encode() if pa.types.is_dictionary(blocks[0][name].type) else column
        for name, column in zip(types, joined, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, list(types)), origins


def _decoded(column: pa.Array) -> pa.Array:
    """A column without a dictionary: those of several files are not the same, and may hold a missing value."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _vectors(files: Sequence[TableFile], found: pa.Schema) -> list[str]:
    """The lists of floats that have equally many numbers in each row of the first blocks."""
    wide = {one.name: one.type for one in found if is_list(one.type) and pa.types.is_floating(one.type.value_type)}
    if not wide:
        return []
    block, _ = _first_blocks(files, wide)
    lengths = {name: pc.unique(pc.drop_null(pc.list_value_length(block[name]))).to_pylist() for name in wide}
    return [name for name, own in lengths.items() if len(own) == 1 and own[0] >= NARROWEST]


def _without_ids(files: Sequence[TableFile], names: Sequence[str], found: pa.Schema) -> list[str]:
    """Those of the columns ``names``, lists, that have no id in the first block of any file."""
    left = list(names)
    for file in files:
        if not left:
            break
        block = next((block for _, block in file.blocks({name: found.field(name).type for name in left})), None)
        if block is not None:
            left = [name for name in left if len(block[name].flatten().drop_null()) == 0]
    return left


def _changes(found: pa.Schema, other: pa.Schema, first: TableFile, file: TableFile) -> Iterator[str]:
    for column in found:
        one, two = column.type, other.field(column.name).type
        if pa.types.is_null(one) or pa.types.is_null(two):
            continue
        if family(one) != family(two) or pa.types.is_nested(one) != pa.types.is_nested(two):
            yield f"{column.name} is {one} in {first.path} and {two} in {file.path}"


def _type(found: pa.DataType) -> pa.DataType:
    if _kind(found) == "time":
        return pa.timestamp("ns", tz=getattr(found, "tz", None))
    if pa.types.is_integer(found):
        return found
    return NUMBER if _kind(found) == "number" else CATEGORY


def _kind(found: pa.DataType) -> str:
    tests = {
        "integer": pa.types.is_integer,
        "number": lambda kind: pa.types.is_floating(kind) or pa.types.is_decimal(kind),
        "truth": pa.types.is_boolean,
        "time": lambda kind: pa.types.is_timestamp(kind) or pa.types.is_date(kind),
        "time of day": pa.types.is_time,
        "duration": lambda kind: pa.types.is_duration(kind) or pa.types.is_interval(kind),
        "bytes": lambda kind: "binary" in str(kind),
        "empty": pa.types.is_null,
        "map": pa.types.is_map,
        BAG: is_bag,
        NUMBERS: lambda kind: is_list(kind) and pa.types.is_floating(kind.value_type),
        "list": pa.types.is_nested,
    }
    return next((kind for kind, test in tests.items() if test(found)), "text")


def _column(files: Sequence[TableFile], name: str, column: pa.Array, kind: str) -> tuple["pd.Series[Any]", str]:
    """The column as it is looked at, and its kind where the values say more than the type."""
    if kind == "time":
        return _moments(column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64())), kind
    if kind == "number":
        if isinstance(files[0], CsvFile):  # integers beyond 2**63 are taken for floats there
            texts = _first_blocks(files, {name: CATEGORY})[0][name]
            if len(texts.dictionary) and pc.all(pc.match_substring_regex(texts.dictionary, pattern=WHOLE)).as_py():
                return texts.to_pandas(), "integer"
        numbers = column.to_pandas()
        whole = numbers.notna().any() and bool((numbers.dropna() % 1 == 0).all())
        return numbers, "integer" if whole else kind
    if kind == "integer":
        dtypes = {"u": pd.UInt64Dtype(), "i": pd.Int64Dtype()}
        kept = dtypes[np.dtype(column.type.to_pandas_dtype()).kind] if column.null_count else None
        return column.to_pandas(types_mapper=lambda _: kept) if kept else column.to_pandas(), kind
    if kind == "text" and isinstance(column, pa.DictionaryArray) and len(column.dictionary):
        forms = Forms()
        forms.see(files[0].path, 0, column)
        if forms.fitting and forms.fitting[0] != A_NUMBER:
            times = parse(column.dictionary, forms.fitting[0]).milliseconds
            moments = _moments(pa.array(times).take(column.indices))
            return moments, "date" if forms.ambiguous else "time"
    return ids(column).column.to_pandas(), kind


def is_large(column: "pd.Series[Any]") -> bool:
    """Whether integers are too large to be quantities."""
    return not pd.api.types.is_numeric_dtype(column) or float(column.abs().max()) >= LAST_EXACT


def _moments(milliseconds: pa.Array) -> "pd.Series[Any]":
    return milliseconds.cast(pa.timestamp("ms")).to_pandas()
