"""Encoded splits on disk: one folder of ``.npy`` files, written whole or not at all, read by memory-mapping."""

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtlbench.api import Field, Schema, Split, Splits, Task, UsageError
from mtlbench.data.hashes import FileHashes

META = "meta.json"


def write(entry: Path, splits: Splits, key: str, hashes: FileHashes) -> None:
    """Write ``splits`` under ``key`` into the folder ``entry``, unless another process already put them there.

    The folder is filled under another name first and appears complete; a damaged entry in its place gives way.

    Raises:
        UsageError: the folder cannot be written, or the disk is full.
    """
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="tmp-", dir=entry.parent) as scratch:
            filled = Path(scratch) / "new"
            filled.mkdir()
            _fill(filled, splits, key)
            while not _publish(filled, entry) and read(entry, key, hashes) is None:
                _set_aside(entry, Path(tempfile.mkdtemp(prefix="old-", dir=scratch)))
    except OSError as error:
        raise UsageError(
            f"cannot write the encoded dataset to the cache folder {entry.parent}: {error.strerror or error}; free "
            "some space there, or name a folder that can be written by the environment variable MTLBENCH_CACHE"
        ) from error


def read(entry: Path, key: str, hashes: FileHashes) -> Splits | None:
    """The splits stored in the folder ``entry``, or ``None`` where they are absent, damaged or of something else."""
    try:
        meta = json.loads((entry / META).read_bytes())
        if meta["key"] != key:
            return None
        if any(hashes.sha256(entry / name) != digest for name, digest in meta["files"].items()):
            return None
        schema = meta["schema"]
        return Splits(
            schema=Schema(
                categorical=tuple(Field(**field) for field in schema["categorical"]),
                numerical=tuple(schema["numerical"]),
                tasks=tuple(Task(**task) for task in schema["tasks"]),
                sessions=schema["sessions"],
                users=schema["users"],
                user_inputs=tuple(schema["user_inputs"]),
            ),
            train=_read_split(entry, "train", meta["files"]),
            validation=_read_split(entry, "validation", meta["files"]),
            test=_read_split(entry, "test", meta["files"]),
            fingerprint=meta["fingerprint"],
            facts=meta["facts"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fill(folder: Path, splits: Splits, key: str) -> None:
    for part, split in splits.parts().items():
        for name, value in vars(split).items():
            if isinstance(value, Tensor):
                np.save(folder / _file(part, name), value.numpy())
    hashes = FileHashes(folder)
    meta = {
        "key": key,
        "fingerprint": splits.fingerprint,
        "schema": asdict(splits.schema),
        "facts": dict(splits.facts),
        "files": {path.name: hashes.sha256(path) for path in sorted(folder.iterdir())},
    }
    (folder / META).write_text(json.dumps(meta, indent=1))


def _publish(filled: Path, entry: Path) -> bool:
    """Give ``filled`` the name ``entry``; ``False`` where something has that name already."""
    try:
        os.rename(filled, entry)
    except OSError:
        if not entry.exists():
            raise
        return False
    return True


def _set_aside(entry: Path, grave: Path) -> None:
    """Move what is at ``entry`` into ``grave``; a process that has it mapped keeps its pages."""
    with contextlib.suppress(FileNotFoundError):
        os.rename(entry, grave / entry.name)


def _read_split(entry: Path, part: str, files: Mapping[str, Any]) -> Split:
    names = [field.name for field in fields(Split) if _file(part, field.name) in files]
    return Split(**{name: torch.from_numpy(_map(entry / _file(part, name))) for name in names})


def _map(path: Path) -> NDArray[Any]:
    """The array of a file, copy-on-write: torch takes only writable memory without a warning."""
    array: NDArray[Any] = np.load(path, mmap_mode="c")
    return array


def _file(part: str, name: str) -> str:
    return f"{part}.{name}.npy"
