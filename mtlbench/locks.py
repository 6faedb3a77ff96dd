"""Locks that end with their owner: on cells, on the life of a run, and on processor cores.

A lock is the operating system's, on an empty file. However a process ends, its locks end with it, so nobody has to
guess whether an owner is alive.
"""

import contextlib
import os
import warnings
from errno import EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout, lock_descriptor

from mtlbench.errors import StorageError

FOLDER = "locks"
"""Of a results folder: the locks of its runs and cells."""
SUFFIX = ".lock"
UNSUPPORTED = {EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP}
"""How a file system says that it has no locks."""


class Locks:
    """The locks of one process, each a file in ``folder`` for as long as it is held."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, BaseFileLock] = {}

    def take(self, name: str) -> bool:
        """Whether this process now holds the lock ``name``, until it releases it or ends.

        Raises:
            StorageError: the file of the lock cannot be made or opened.
        """
        if name in self._held:
            return True
        # A soft lock, made of a file alone, would outlive an owner on another machine.
        lock = FileLock(self._path(name), thread_local=False, fallback_to_soft=False)
        while not lock.is_locked:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                lock.acquire(blocking=False)
            except Timeout:
                return False
            except FileNotFoundError:  # another process has just removed the empty folder
                continue
            except OSError as error:
                if error.errno not in UNSUPPORTED:
                    raise StorageError(
                        f"cannot lock {self._path(name)}: {error.strerror or error}; check that the folder may be "
                        "written and that the disk has room, or choose another folder"
                    ) from error
                warnings.warn(
                    f"the file system of {self._folder} knows no locks ({error}): never start two runs with one "
                    "--out at once there",
                    RuntimeWarning,
                    stacklevel=2,
                )
                break
        self._held[name] = lock
        return True

    def release(self, name: str) -> None:
        """Give the lock ``name`` back, where it is held."""
        lock = self._held.pop(name, None)
        if lock is not None:
            with contextlib.suppress(OSError):  # Windows removes the file of a lock after its release
                self._path(name).unlink(missing_ok=True)
            lock.release()

    def sweep(self) -> None:
        """Remove the files of owners that died between their work and their release."""
        for path in self._folder.glob(f"*{SUFFIX}"):
            name = path.name.removesuffix(SUFFIX)
            if name not in self._held and self.take(name):
                self.release(name)

    def close(self) -> None:
        """Give all locks back."""
        for name in list(self._held):
            self.release(name)
        with contextlib.suppress(OSError):  # not empty
            self._folder.rmdir()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on the file ``path``."""
    # A network file system may lock only what is open for writing; another user's file may only be read.
    mode = "r+b" if os.access(path, os.W_OK) else "rb"
    try:
        with path.open(mode) as file:
            return not lock_descriptor(file.fileno(), blocking=False)
    except OSError:
        return False
