"""Content hashes of files, remembered so that a warm start does not read gigabytes again."""

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from mtlbench.files import replacing

SETTLED_NS = 2_000_000_000
"""A file changed within this time may change once more without a new time stamp: its hash is not remembered."""


def sha256_of(path: Path) -> str:
    """sha256 of the file's content as it is now, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_json(content: object) -> str:
    """sha256 of a value that JSON can hold, the same for every order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class FileHashes:
    """sha256 of raw files, remembered below ``cache`` by resolved path, size and times.

    The time of the last change of status is among them: no program can set it back as it can the time of the last
    change of content.
    """

    def __init__(self, cache: Path) -> None:
        self._memory = cache / "file-hashes.json"
        self._known: dict[str, list[object]] = {}
        self._changed = False
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            memory = json.loads(self._memory.read_bytes())
            if memory["digest"] == sha256_of_json(memory["files"]):
                self._known = memory["files"]

    def sha256(self, path: Path) -> str:
        """sha256 of the file's content, as hexadecimal digits."""
        path = path.resolve()
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        known = self._known.get(str(path))
        if known is not None and known[:-1] == stamp:
            return str(known[-1])
        digest = sha256_of(path)
        if time.time_ns() - status.st_mtime_ns > SETTLED_NS:
            self._known[str(path)] = [*stamp, digest]
            self._changed = True
        return digest

    def save(self) -> None:
        """Write the memory if it has changed, without the files that are gone.

        Of two processes that save at once one wins, whole; what the other knew is hashed again.
        """
        if not self._changed:
            return
        present: dict[str, Any] = {path: stamp for path, stamp in self._known.items() if os.path.exists(path)}
        with contextlib.suppress(OSError), replacing(self._memory) as file:
            file.write(json.dumps({"digest": sha256_of_json(present), "files": present}, indent=0).encode())
