"""Encoded splits on disk: one folder of ``.npy`` files, written whole or not at all, read by memory-mapping."""

import contextlib
import json
import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtlbench.api import Bag, BagField, Field, Schema, Split, Splits, Task, UsageError, VectorField
from mtlbench.data.hashes import sha256_of, sha256_of_json
from mtlbench.files import flush, flush_names

META = "meta.json"
FORMAT = 3
"""Version of what an entry holds. An entry of an earlier one is written anew."""


class DamagedEntryError(Exception):
    """An entry that is not as it was written; the message says what of it."""


def write(entry: Path, splits: Splits, key: str) -> Splits | None:
    """Write ``splits`` under ``key`` into the folder ``entry``, unless another process already put them there.

    The folder is filled under another name first, flushed to the disk, and appears complete; what is in its place and
    is not these splits gives way.

    Returns:
        The splits as they are stored; ``None`` where another process took the folder away at once.

    Raises:
        UsageError: the folder cannot be written, or the disk is full.
    """
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="tmp-", dir=entry.parent) as scratch:
            filled = Path(scratch) / "new"
            filled.mkdir()
            meta = _fill(filled, splits, key)
            while not _publish(filled, entry):
                found = _read_whole(entry, key)
                if found is not None:
                    return found
                _set_aside(entry, Path(tempfile.mkdtemp(prefix="old-", dir=scratch)))
            try:
                return _splits(entry, meta)
            except FileNotFoundError:
                return None
    except OSError as error:
        raise UsageError(
            f"cannot write the encoded dataset to the cache folder {entry.parent}: {error.strerror or error}; free "
            "some space there, or name a folder that can be written by the environment variable MTLBENCH_CACHE"
        ) from error


def read(entry: Path, key: str) -> Splits | None:
    """The splits stored in the folder ``entry``; ``None`` where there are none, or others, or of another format.

    The whole content is compared with the digests that were written with it, whatever the time stamps say.

    Raises:
        DamagedEntryError: the content is another one.
    """
    if not entry.is_dir():
        return None
    try:
        meta = json.loads((entry / META).read_bytes())
        if meta.get("format") != FORMAT or meta["key"] != key:
            return None
        changed = META if meta.pop("digest") != sha256_of_json(meta) else None
    except (OSError, ValueError, KeyError, AttributeError):
        changed = META
    try:
        changed = changed or next(
            (name for name, digest in meta["files"].items() if sha256_of(entry / name) != digest), None
        )
    except OSError as error:
        changed = Path(error.filename).name
    if changed is not None:
        raise DamagedEntryError(f"{changed} is not what was written")
    return _splits(entry, meta)


def _splits(entry: Path, meta: Mapping[str, Any]) -> Splits:
    schema = meta["schema"]
    return Splits(
        schema=Schema(
            categorical=tuple(Field(**field) for field in schema["categorical"]),
            numerical=tuple(schema["numerical"]),
            tasks=tuple(Task(**task) for task in schema["tasks"]),
            sessions=schema["sessions"],
            users=schema["users"],
            user_inputs=tuple(schema["user_inputs"]),
            bags=tuple(BagField(**bag) for bag in schema.get("bags", ())),
            vectors=tuple(VectorField(**vector) for vector in schema.get("vectors", ())),
        ),
        train=_read_split(entry, "train", meta),
        validation=_read_split(entry, "validation", meta),
        test=_read_split(entry, "test", meta),
        fingerprint=meta["fingerprint"],
        facts=meta["facts"],
        warnings=tuple(meta["warnings"]),
    )


def _fill(folder: Path, splits: Splits, key: str) -> dict[str, Any]:
    """Write the files of an entry, and give what they say of it."""
    for part, split in splits.parts().items():
        for name, value in vars(split).items():
            if isinstance(value, Tensor):
                np.save(folder / _file(part, name), value.numpy())
        for number, bag in enumerate(split.bags):
            for name, value in bag._asdict().items():
                np.save(folder / _file(part, f"bag{number}.{name}"), value.numpy())
        for number, vectors in enumerate(split.vectors):
            np.save(folder / _file(part, f"vectors{number}"), vectors.numpy())
    meta: dict[str, Any] = {
        "format": FORMAT,
        "key": key,
        "fingerprint": splits.fingerprint,
        "schema": asdict(splits.schema),
        "facts": dict(splits.facts),
        "warnings": list(splits.warnings),
        "files": {path.name: sha256_of(path) for path in sorted(folder.iterdir())},
    }
    (folder / META).write_text(json.dumps({**meta, "digest": sha256_of_json(meta)}, indent=1), encoding="utf-8")
    flush(folder)
    return meta


def _publish(filled: Path, entry: Path) -> bool:
    """Give ``filled`` the name ``entry``; ``False`` where something has that name already."""
    try:
        os.rename(filled, entry)
    except OSError:
        if not entry.exists():
            raise
        return False
    flush_names(entry.parent)
    return True


def _read_whole(entry: Path, key: str) -> Splits | None:
    try:
        return read(entry, key)
    except DamagedEntryError:
        return None


def _set_aside(entry: Path, grave: Path) -> None:
    """Move what is at ``entry`` into ``grave``; a process that has it mapped keeps its pages."""
    with contextlib.suppress(FileNotFoundError):
        os.rename(entry, grave / entry.name)


def _read_split(entry: Path, part: str, meta: Mapping[str, Any]) -> Split:
    def tensor(name: str) -> Tensor:
        return torch.from_numpy(_map(entry / _file(part, name)))

    names = [field.name for field in fields(Split) if _file(part, field.name) in meta["files"]]
    count = len(meta["schema"].get("bags", ()))
    bags = tuple(Bag(*(tensor(f"bag{number}.{name}") for name in Bag._fields)) for number in range(count))
    columns: dict[str, Any] = {name: tensor(name) for name in names}
    vectors = tuple(tensor(f"vectors{number}") for number in range(len(meta["schema"].get("vectors", ()))))
    return Split(**columns, bags=bags, vectors=vectors)


def _map(path: Path) -> NDArray[Any]:
    """The array of a file, copy-on-write: torch takes only writable memory without a warning."""
    with _ONE_AT_A_TIME:
        array: NDArray[Any] = np.load(path, mmap_mode="c")
    return array


_ONE_AT_A_TIME = threading.Lock()
"""numpy parses the header of a file as Python, which Python 3.11 cannot do in two threads at once."""


def _file(part: str, name: str) -> str:
    return f"{part}.{name}.npy"
