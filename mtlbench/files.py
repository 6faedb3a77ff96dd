"""The cache folder, and files that appear whole or not at all, whatever kills the process or fills the disk."""

import contextlib
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def nearest(path: Path) -> Path:
    """``path`` where it exists, else the nearest folder above it that does."""
    place = path.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place


def cache_dir() -> Path:
    """The folder of what can be made again: ``MTLBENCH_CACHE``, else the platform's cache folder of the user."""
    import platformdirs

    named = os.environ.get("MTLBENCH_CACHE")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("mtlbench"))


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of ``path`` when the block ends, and leaves no trace when it raises.

    It is a hidden file beside ``path`` meanwhile, flushed to the disk before it is renamed: what a machine that lost
    its power finds under ``path`` is whole too.
    """
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_names(path.parent)


def flush(folder: Path) -> None:
    """Bring the files in ``folder``, which holds no other folders, and their names to the disk."""
    paths = list(folder.iterdir())
    # At once: a disk takes many requests together in about the time of one.
    with ThreadPoolExecutor(max(1, len(paths))) as pool:
        list(pool.map(_flush, paths))
    flush_names(folder)


def flush_names(folder: Path) -> None:
    """Bring the names of the files in ``folder`` to the disk: a rename is there only after its folder is."""
    with contextlib.suppress(OSError):  # not every platform can open a folder
        _flush(folder)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
