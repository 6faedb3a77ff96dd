"""A file of JSON Lines of a user's own table: one object in a line."""

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
from pyarrow import json as arrow_json

from mtlbench.api import DataError
from mtlbench_plugins.datasets._table_file import Block, TableFile, outer

JSON_BLOCK = 1 << 25
"""Bytes parsed at once."""


@dataclass(frozen=True)
class JsonLinesFile(TableFile):
    """A file of JSON Lines, plain or gzipped. Rows are counted without empty lines."""

    def rows(self) -> int:
        """How many rows it has."""
        return sum(sum(map(bool, map(bytes.strip, lines))) for _, lines in self._lines())

    def _own_schema(self) -> pa.Schema:
        return self._inferred

    @cached_property
    def _inferred(self) -> pa.Schema:
        """All columns of all lines, with types that hold the values of all; dates are text, as in CSV.

        The whole file is parsed for them, so it is done once.
        """
        fields: dict[str, pa.Field] = {}
        for first, lines in self._lines():
            for found in self._parsed(first, lines, None).schema:
                known = fields.get(found.name, found)
                try:
                    [joined] = pa.unify_schemas([pa.schema([known]), pa.schema([found])], promote_options="permissive")
                except pa.ArrowException as error:
                    raise DataError(
                        f"{self.path}: column {found.name!r} is {known.type} before line {first} and {found.type} "
                        "after it: write it in one type"
                    ) from error
                fields[found.name] = joined
        if not fields:
            raise DataError(f"{self.path}: the file is empty: expected a JSON object in each line, a row each")
        return pa.schema([pa.field(one.name, _without_times(one.type)) for one in fields.values()])

    def _own_blocks(self, types: Mapping[str, pa.DataType]) -> Iterator[Block]:
        present = self._own_schema()
        tops = dict.fromkeys(outer(name, present.names) for name in types)
        wanted = pa.schema([present.field(top) for top in tops])
        first = 1
        for line, lines in self._lines():
            for block in self._parsed(line, lines, wanted).combine_chunks().to_batches():
                yield first, self._columns(block, types)
                first += len(block)

    def _lines(self) -> Iterator[tuple[int, list[bytes]]]:
        """Lines of some megabytes, with the number of the first."""
        first = 1
        try:
            with gzip.open(self.path) if self.path.name.lower().endswith(".gz") else self.path.open("rb") as file:
                while lines := file.readlines(JSON_BLOCK):
                    if any(map(bytes.strip, lines)):
                        yield first, lines
                    first += len(lines)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{self.path}: cannot be read: {error}; check that the file is whole") from error

    def _parsed(self, first: int, lines: list[bytes], schema: pa.Schema | None) -> pa.Table:
        content = b"".join(lines)
        self._require_utf_8(first, content)
        with self._explained(first, lines):
            return arrow_json.read_json(
                io.BytesIO(content),
                read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(content) + 1),
                parse_options=arrow_json.ParseOptions(
                    explicit_schema=schema, unexpected_field_behavior="ignore" if schema else "infer"
                ),
            )

    def _require_utf_8(self, first: int, content: bytes) -> None:
        """Refuse what is no UTF-8 text, which the parser takes for it and fails on later."""
        try:
            content.decode()
        except UnicodeDecodeError as error:
            number = first + content.count(b"\n", 0, error.start)
            raise DataError(f"{self.path}: line {number} is not UTF-8 text: save the file as UTF-8") from error

    @contextmanager
    def _explained(self, first: int, lines: list[bytes]) -> Iterator[None]:
        try:
            yield
        except pa.ArrowException as error:
            kinds: dict[str, tuple[str, int]] = {}
            for number, line in enumerate(lines, first):
                self._check(number, line, kinds)
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{self.path}: cannot be read as JSON Lines: {reason}; write an object a line") from error

    def _check(self, number: int, line: bytes, kinds: dict[str, tuple[str, int]]) -> None:
        """Refuse a line that is no object, or whose values have other types than those of the lines before it.

        Args:
            number: of the line.
            line: what it holds.
            kinds: of each column the type of its values, and the first line with one; the line's are added.
        """
        if not line.strip():
            return
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{self.path}: line {number} is no JSON: {str(error)[:200]}; correct or drop the line; each is one "
                "object, without a comma after it and without brackets around all"
            ) from error
        if not isinstance(row, dict):
            raise DataError(
                f"{self.path}: line {number} is {_kind(row)}, where an object is called for, such as "
                '{"user": 7, "click": 0}: write each row as one object in one line'
            )
        for name, value in _values(row):
            if value is None:
                continue
            kind, where = kinds.setdefault(name, (_kind(value), number))
            if kind != _kind(value):
                raise DataError(
                    f"{self.path}: column {name!r} is {_kind(value)} in line {number} and {kind} in line {where}: "
                    "write it in one type"
                )


def _values(row: dict[str, object]) -> Iterator[tuple[str, object]]:
    """The values of a row, those of their fields as ``name.field``, and those of their items as ``name[]``."""
    left = list(row.items())
    while left:
        name, value = left.pop()
        yield name, value
        if isinstance(value, dict):
            left += [(f"{name}.{inner}", one) for inner, one in value.items()]
        elif isinstance(value, list):
            left += [(f"{name}[]", one) for one in value]


def _kind(value: object) -> str:
    kinds = {bool: "a truth", str: "a text", list: "a list", dict: "an object", type(None): "null"}
    return kinds.get(type(value), "a number")


def _without_times(found: pa.DataType) -> pa.DataType:
    """The type with text for the times that the parser takes some texts for."""
    if pa.types.is_timestamp(found):
        return pa.string()
    if pa.types.is_list(found):
        return pa.list_(_without_times(found.value_type))
    if pa.types.is_struct(found):
        return pa.struct([pa.field(one.name, _without_times(one.type)) for one in found])
    return found
