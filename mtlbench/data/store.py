"""Encoded splits on disk: one folder of ``.npy`` files, written whole or not at all, read by memory-mapping."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtlbench.api import BagField, Field, Schema, Split, Splits, Task, UsageError, VectorField
from mtlbench.data.arrays import file_of, mapped, split_of, tensors_of
from mtlbench.data.hashes import sha256_of, sha256_of_json
from mtlbench.files import flush, flush_names

META = "meta.json"
FORMAT = 3
"""Version of what an entry holds. An entry of an earlier one is written anew."""


class DamagedEntryError(Exception):
    """An entry that is not as it was written; the message says what of it."""


@contextlib.contextmanager
def scratch(cache: Path) -> Iterator[Path]:
    """An empty folder below that of the cache, which is removed unless it was moved.

    Raises:
        UsageError: the folder of the cache cannot be written, or the disk is full.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="tmp-", dir=cache) as above:
            folder = Path(above) / "new"
            folder.mkdir()
            yield folder
    except OSError as error:
        raise UsageError(
            f"cannot write the encoded dataset to the cache folder {cache}: {error.strerror or error}; free some "
            "space there, or name a folder that can be written by the environment variable MTLBENCH_CACHE"
        ) from error


def write(entry: Path, splits: Splits, key: str, folder: Path) -> Splits | None:
    """Put ``splits`` under ``key`` into the folder ``entry``, unless another process already put them there.

    All is written to ``folder``, and flushed to the disk, before that becomes ``entry``; what is in its place and is
    not these splits gives way.

    Args:
        entry: a folder of the cache.
        splits: what to store. Let no other name hold them: not every system moves a file that is mapped.
        key: of the entry.
        folder: a :func:`scratch` folder. Tensors that are mapped from its files are there already.

    Returns:
        The splits as they are stored; ``None`` where another process took the folder away at once.
    """
    meta = _fill(folder, splits, key)
    del splits
    while not _publish(folder, entry):
        found = _read_whole(entry, key)
        if found is not None:
            return found
        _set_aside(entry, Path(tempfile.mkdtemp(prefix="old-", dir=folder.parent)))
    try:
        return _splits(entry, meta)
    except FileNotFoundError:
        return None


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
            timestamps=schema.get("timestamps", schema["sessions"]),
        ),
        train=_read_split(entry, "train", meta),
        validation=_read_split(entry, "validation", meta),
        test=_read_split(entry, "test", meta),
        fingerprint=meta["fingerprint"],
        facts=meta["facts"],
        warnings=tuple(meta["warnings"]),
    )


def _fill(folder: Path, splits: Splits, key: str) -> dict[str, Any]:
    """Write the files of an entry that are not there yet, and give what they say of it."""
    for part, split in splits.parts().items():
        for name, tensor in tensors_of(split).items():
            if not (folder / file_of(part, name)).exists():
                np.save(folder / file_of(part, name), tensor.numpy())
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
    names = {
        name.removeprefix(f"{part}.").removesuffix(".npy") for name in meta["files"] if name.startswith(f"{part}.")
    }
    return split_of(names, lambda name: torch.from_numpy(mapped(entry / file_of(part, name))))
