"""Claims that end with their owner: of cells, so that two runs never train one at once, and of processor cores.

A claim is a lock of the operating system on an empty file. However a process ends, its locks end with it, so nobody has
to guess whether an owner is alive.
"""

import contextlib
import os
import sys
import warnings
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    BUSY: tuple[type[OSError], ...] = (PermissionError,)

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    BUSY = (BlockingIOError,)

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


SUFFIX = ".lock"


class Claims:
    """The claims of one process on names, each a file in ``folder`` for as long as it is held."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def take(self, name: str) -> bool:
        """Whether ``name`` is now this process's, until it releases it or ends."""
        if name in self._held:
            return True
        path = self._path(name)
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:  # another process took the empty folder away
                continue
            try:
                _lock(descriptor)
            except BUSY:
                os.close(descriptor)
                return False
            except OSError as error:
                warnings.warn(
                    f"the file system of {self._folder} knows no locks ({error}): never start two runs with one "
                    "--out at once there",
                    RuntimeWarning,
                    stacklevel=2,
                )
            if _is(path, descriptor):
                self._held[name] = descriptor
                return True
            os.close(descriptor)  # its owner released and removed it in the meantime

    def release(self, name: str) -> None:
        """Give ``name`` back, where it is held."""
        descriptor = self._held.pop(name, None)
        if descriptor is not None:
            with contextlib.suppress(OSError):
                self._path(name).unlink(missing_ok=True)
            os.close(descriptor)

    def sweep(self) -> None:
        """Remove the files of owners that died between their work and their release."""
        for path in self._folder.glob(f"*{SUFFIX}"):
            name = path.name.removesuffix(SUFFIX)
            if name not in self._held and self.take(name):
                self.release(name)

    def close(self) -> None:
        """Give everything back."""
        for name in list(self._held):
            self.release(name)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{SUFFIX}"


def _is(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
