"""Files of tensors that show whether they are whole: torch's format, and a last line with the sha256 of it.

The file is compared with that line before torch reads it: one whose bits have changed is never unpickled. A file
without such a line, of an older version, cannot be told from one whose end is damaged, and counts as damaged.
"""

import hashlib
import os
from pathlib import Path
from typing import Any, BinaryIO

import torch

from mtlbench.files import replacing

MARK = b"\nmtlbench sha256 "
FOOTER = len(MARK) + 64 + 1
"""Length of the last line in bytes."""
CHUNK = 2**20


class DamagedFileError(Exception):
    """A file that is not what was written, or was never written by :func:`save`."""


class _Hashing:
    """A file that hashes what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self.sha256 = hashlib.sha256()
        self._file = file

    def write(self, content: bytes) -> int:
        self.sha256.update(content)
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()


def save(content: object, path: Path) -> None:
    """Write tensors and plain values to ``path``, whole or not at all; makes its folder.

    Raises:
        OSError, RuntimeError: it cannot be written; torch hides some of the file's errors in its own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        hashing = _Hashing(file)
        torch.save(content, hashing)  # type: ignore[arg-type]  # it writes and flushes, no more is asked of it
        file.write(_footer(hashing.sha256.hexdigest()))


def check(path: Path) -> None:
    """Read all of ``path`` and compare it with its digest.

    Raises:
        DamagedFileError: it is not what was written.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size - FOOTER
        sha256 = hashlib.sha256()
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            sha256.update(chunk)
            left -= len(chunk)
        footer = file.read()
    if not footer.startswith(MARK):
        raise DamagedFileError("its last line is no sha256: it is damaged, or of an older version")
    if footer != _footer(sha256.hexdigest()):
        raise DamagedFileError("its content does not have the sha256 that its last line names")


def load(path: Path, device: str | None = None) -> Any:
    """What :func:`save` wrote, checked first; tensors and plain values only: a stranger's file cannot run code.

    Args:
        path: of the file.
        device: where tensors go; ``None`` is where they were.

    Raises:
        DamagedFileError: it is not what was written.
    """
    check(path)
    return torch.load(path, map_location=device, weights_only=True)


def _footer(digest: str) -> bytes:
    return MARK + digest.encode() + b"\n"
