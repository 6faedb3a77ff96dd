"""A user's own table: CSV, JSON Lines or Parquet files, found by path and read block by block, with errors that help.

Rows are numbered as in a spreadsheet: the header of a CSV file is row 1. A Parquet file has no header, so its first row
of data is row 1; neither has a file of JSON Lines.
"""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from mtlbench.api import DataError, did_you_mean
from mtlbench_plugins.datasets._table_file import CATEGORY, NOT_A_NUMBER, NUMBER, Block, TableFile
from mtlbench_plugins.datasets._table_folders import keys_of
from mtlbench_plugins.datasets._table_json import JsonLinesFile
from mtlbench_plugins.datasets._table_parquet import ParquetFile

__all__ = ["CATEGORY", "NUMBER", "CsvFile", "ParquetFile", "TableFile", "open_table", "open_tables", "require"]

CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
JSON = (".jsonl", ".jsonl.gz")
PARQUET = (".parquet",)
KINDS = {"CSV": CSV, "JSON Lines": JSON, "Parquet": PARQUET}
SUFFIXES = (*CSV, *JSON, *PARQUET)
EXPECTED = f"{', '.join(SUFFIXES[:-1])} and {SUFFIXES[-1]}"

CSV_BLOCK = 1 << 25
"""Bytes parsed at once: large, because each block brings the distinct values of each of its text columns."""


@dataclass(frozen=True)
class CsvFile(TableFile):
    """A CSV file with a header, plain or gzipped."""

    delimiter: str
    missing: tuple[str, ...]
    """Fields that count as missing."""

    def rows(self) -> int:
        """How many rows it has."""
        return sum(len(block) for _, block in self._own_blocks(dict([self._as_it_is()])))

    def _own_schema(self) -> pa.Schema:
        """Its columns, with the types that the first block suggests."""
        with self._explained():
            found = self._open({}, None).schema
            # Names are decoded when they are asked for.
            _ = found.names
            return found

    def _own_blocks(self, types: Mapping[str, pa.DataType]) -> Iterator[Block]:
        with self._explained():
            first = 2
            for block in self._open(types, list(types)):
                yield first, block
                first += len(block)

    def _as_it_is(self) -> tuple[str, pa.DataType]:
        return self._own_schema().names[0], pa.string()

    def _open(self, types: Mapping[str, pa.DataType], only: list[str] | None) -> csv.CSVStreamingReader:
        self._require_utf_8()
        return csv.open_csv(
            self.path,
            # With threads, errors do not name the row.
            read_options=csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK),
            parse_options=csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types=dict(types),
                include_columns=only,
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=list(self.missing),
            ),
        )

    def _require_utf_8(self) -> None:
        """Refuse text in two or four bytes a character, which a parser of CSV takes for something else."""
        with gzip.open(self.path) if self.path.name.lower().endswith(".gz") else self.path.open("rb") as file:
            start = file.read(64)
        marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))
        if marked or start.count(b"\0") > len(start) / 3:
            width = 32 if start.count(b"\0") > len(start) / 1.9 else 16
            raise DataError(
                f"{self.path}: the file is UTF-{width} text: save it as UTF-8, which spreadsheets call CSV UTF-8"
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}: the header is not UTF-8 text: save the file as UTF-8") from error
        except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
            raise DataError(f"{self.path}: {self._reason(str(error))}") from error

    def _reason(self, text: str) -> str:
        """What the parser complains about, in terms of column and row, with a remedy."""
        text = " ".join(text.split())
        if "Empty CSV file" in text:
            return "the file is empty: expected a header with the names of the columns, then one row per impression"
        if found := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", text):
            row, wanted, got = found.groups()
            return (
                f"row {row} has {got} fields, the header {wanted}: put fields that contain {self.delimiter!r} in "
                'double quotes, or set `delimiter = "..."` in the description'
            )
        if found := re.search(r"column #(\d+): Row #(\d+): .*invalid (value '.*'|UTF8 data)", text):
            column, row, what = self._own_schema().names[int(found[1])], found[2], found[3]
            if what == "UTF8 data":
                return f"column {column!r} is not UTF-8 text in row {row}: save the file as UTF-8"
            return (
                f"column {column!r} holds {what.removeprefix('value ')} in row {row}, where rows before it and its "
                "use call for a number, or for a time that is written as theirs are, with or without a zone: correct "
                f"the row, add the value to `missing`, or {NOT_A_NUMBER}"
            )
        return f"cannot be read: {text[:300]}; check that the file is whole and is a CSV file"


def open_tables(paths: Sequence[Path], delimiter: str | None, missing: tuple[str, ...]) -> list[TableFile]:
    """The table files at ``paths``. Each path is a file or a folder of files, which are taken in order of name.

    Folders below a path whose names are ``key=value`` give the columns ``key``.

    Raises:
        DataError: there are none, or they are of two kinds.
    """
    found = [(path, file) for path in paths for file in _below(path)]
    first = {kind: next((file for _, file in found if _suffix(file) in KINDS[kind]), None) for kind in KINDS}
    kinds = [kind for kind, file in first.items() if file]
    if len(kinds) > 1:
        raise DataError(
            f"{first[kinds[0]]} and {first[kinds[1]]} are of two kinds: keep {kinds[0]} or {kinds[1]} files, not both"
        )
    keys = keys_of(found)
    return [replace(open_table(file, delimiter, missing), keys=its) for (_, file), its in zip(found, keys, strict=True)]


def open_table(path: Path, delimiter: str | None, missing: tuple[str, ...]) -> TableFile:
    """The table file ``path``; it is not read yet.

    Raises:
        DataError: its name does not end like a kind that can be read.
    """
    suffix = _suffix(path)
    if suffix in PARQUET:
        return ParquetFile(path)
    if suffix in JSON:
        return JsonLinesFile(path)
    if suffix in CSV:
        return CsvFile(path, delimiter or ("\t" if suffix.startswith(".tsv") else ","), missing)
    raise DataError(f"{path} is no table by its name: expected {EXPECTED}; export it as one of them")


def require(file: TableFile, columns: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a file in which one of ``columns`` is absent from ``names``, or there twice.

    Raises:
        DataError: naming the file and the column, with a guess at what was meant.
    """
    for column in columns:
        if column not in names:
            if fields := [name for name in names if name.startswith(f"{column}.")]:
                raise DataError(
                    f"{file.path}: column {column!r} is a struct: name those of its fields that are to be used, as "
                    f"{fields[0]!r}"
                )
            hint = did_you_mean(column, list(names))
            if isinstance(file, CsvFile) and len(names) == 1 and re.search(r"[;\t|,]", names[0]):
                hint = f'the header is the one field {names[0]!r}, so set `delimiter = "..."`'
            raise DataError(
                f"{file.path}: there is no column {column!r} ({hint}): correct the description, or the file"
            )
        if names.count(column) > 1 and any(key.name == column for key in file.keys):
            raise DataError(
                f"{file.path}: column {column!r} is in the file and in the name of a folder, {column}=...: rename one"
            )
        if names.count(column) > 1:
            raise DataError(f"{file.path}: the header names column {column!r} {names.count(column)} times: rename one")


def _below(path: Path) -> list[Path]:
    try:
        is_file, exists = path.is_file(), path.exists()
    except OSError as error:
        raise DataError(
            f"{str(path)[:200]!r} is no path: {error.strerror}; correct `files` in the description"
        ) from error
    if is_file:
        return [path]
    if not exists:
        raise DataError(
            f"{path} is not there: correct `files` in the description; a relative path starts at its folder"
        )
    found = sorted(
        file
        for file in path.rglob("*")
        if file.is_file() and _suffix(file) in SUFFIXES and not file.name.startswith((".", "_"))
    )
    if not found:
        raise DataError(f"the folder {path} holds no table: expected files that end in {EXPECTED}")
    return found


def _suffix(path: Path) -> str:
    """The ending that tells the kind, with ``.gz`` where there is one."""
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), path.suffix)
