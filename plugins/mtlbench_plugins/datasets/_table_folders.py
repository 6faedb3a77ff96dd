"""Columns that the folders of a table give: those of a hive-partitioned table, such as ``day=3/part.parquet``."""

import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import dataset

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_file import Key

WHOLE = r"0|-?[1-9]\d{0,17}"


def keys_of(found: Sequence[tuple[Path, Path]]) -> list[tuple[Key, ...]]:
    """The keys of each file: integers where all files have integers without zeros in front, else texts.

    Args:
        found: each file, after the folder it was found in.

    Raises:
        DataError: a key stands twice in one path.
    """
    values = [_values(folder, file) for folder, file in found]
    names = dict.fromkeys(name for one in values for name in one)
    types = {name: _type([one[name] for one in values if one.get(name) is not None]) for name in names}
    return [tuple(Key(name, types[name], _read(value, types[name])) for name, value in one.items()) for one in values]


def _values(folder: Path, file: Path) -> dict[str, str | None]:
    parts = file.relative_to(folder).parent.parts if file != folder else ()
    named = [part for part in parts if part.partition("=")[1] and part.partition("=")[0]]
    names = [part.partition("=")[0] for part in named]
    if twice := [name for name in names if names.count(name) > 1]:
        raise DataError(f"{file}: its folders name {twice[0]!r} twice: rename one")
    if not names:
        return {}
    hive = dataset.HivePartitioning(pa.schema([(name, pa.string()) for name in names]))
    try:
        found = dataset.get_partition_keys(hive.parse("/".join([*named, "part"])))
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"{file}: its folders cannot be read as key=value: {error}; rename them") from error
    return {name: found[name] for name in names}


def _read(value: str | None, as_type: pa.DataType) -> str | int | None:
    return int(value) if value is not None and pa.types.is_integer(as_type) else value


def _type(values: Sequence[str | None]) -> pa.DataType:
    return pa.int64() if values and all(re.fullmatch(WHOLE, str(value)) for value in values) else pa.string()
