"""The arrays of an encoded log as they are made: in memory, or as files, whose size no memory limits."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields
from itertools import count, takewhile
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from mtlbench.api import Bag, Split

BLOCK_BYTES = 1 << 24
"""Bytes of a matrix that are put together at once."""


class Arrays:
    """Takes each array of an encoded log, and gives it back as tensors of the splits.

    Args:
        parts: the splits as ranges of the rows.
        folder: an empty folder, in which arrays become the files of an entry of the cache and are mapped into memory.
            ``None``: arrays stay in memory.
    """

    def __init__(self, parts: Mapping[str, slice], folder: Path | None) -> None:
        self._parts, self._folder = parts, folder
        self._held: dict[str, dict[str, NDArray[Any]]] = {part: {} for part in parts}

    def put(self, name: str, values: NDArray[Any]) -> None:
        """Take the array ``name`` of all rows."""
        for part, rows in self._parts.items():
            self.put_part(part, name, values[rows])

    def put_part(self, part: str, name: str, values: NDArray[Any]) -> None:
        """Take the array ``name`` of one split."""
        if self._folder is not None:
            path = self._folder / file_of(part, name)
            np.save(path, values)
            values = mapped(path)
        self._held[part][name] = values

    def put_columns(self, name: str, columns: Iterable[NDArray[Any]], width: int, dtype: DTypeLike) -> None:
        """Take a matrix (N, ``width``) column by column; each is asked for when the one before it is stored."""
        rows = max(rows.stop for rows in self._parts.values())
        if self._folder is None:
            matrix = np.empty((rows, width), dtype=dtype)
            for place, column in enumerate(columns):
                matrix[:, place] = column
            self.put(name, matrix)
            return
        with TemporaryFile(dir=self._folder) as stored:
            for column in columns:
                column.astype(dtype, copy=False).tofile(stored)
                del column  # before the next is made
            for part, span in self._parts.items():
                path = self._folder / file_of(part, name)
                with path.open("wb") as file:
                    _interleave(stored, file, span, (rows, width), np.dtype(dtype))
                self._held[part][name] = mapped(path)

    def array(self, part: str, name: str) -> NDArray[Any]:
        """An array of one split."""
        return self._held[part][name]

    def split(self, part: str) -> Split:
        """The split of all arrays."""
        held = self._held[part]
        return split_of(held, lambda name: torch.from_numpy(held[name]))


def _interleave(stored: BinaryIO, file: BinaryIO, span: slice, shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
    """Write the rows ``span`` of a matrix of ``shape``, of which ``stored`` holds one column after the other."""
    rows, width = shape
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False}
    np.lib.format.write_array_header_1_0(file, {**header, "shape": (span.stop - span.start, width)})
    at_once = max(1, BLOCK_BYTES // max(1, width * dtype.itemsize))
    for first in range(span.start, span.stop, at_once):
        block = np.empty((min(at_once, span.stop - first), width), dtype=dtype)
        for place in range(width):
            stored.seek((place * rows + first) * dtype.itemsize)
            block[:, place] = np.fromfile(stored, dtype, len(block))
        block.tofile(file)


def split_of(names: Collection[str], tensor: Callable[[str], Tensor]) -> Split:
    """The split whose tensors have ``names``, those that :func:`tensors_of` gives; ``tensor`` gives each."""
    own: dict[str, Any] = {field.name: tensor(field.name) for field in fields(Split) if field.name in names}
    bags = takewhile(lambda number: f"bag{number}.ids" in names, count())
    vectors = takewhile(lambda number: f"vectors{number}" in names, count())
    return Split(
        **own,
        bags=tuple(Bag(*(tensor(f"bag{number}.{name}") for name in Bag._fields)) for number in bags),
        vectors=tuple(tensor(f"vectors{number}") for number in vectors),
    )


def tensors_of(split: Split) -> dict[str, Tensor]:
    """All tensors of a split by name."""
    own = {name: value for name, value in vars(split).items() if isinstance(value, Tensor)}
    bags = {f"bag{number}.{name}": one for number, bag in enumerate(split.bags) for name, one in bag._asdict().items()}
    return {**own, **bags, **{f"vectors{number}": one for number, one in enumerate(split.vectors)}}


def file_of(part: str, name: str) -> str:
    """The file of a tensor of the split ``part``."""
    return f"{part}.{name}.npy"


def mapped(path: Path) -> NDArray[Any]:
    """The array of a file, copy-on-write: torch takes only writable memory without a warning."""
    with _ONE_AT_A_TIME:
        array: NDArray[Any] = np.load(path, mmap_mode="c")
    return array


_ONE_AT_A_TIME = Lock()
"""numpy parses the header of a file as Python, which Python 3.11 cannot do in two threads at once."""
