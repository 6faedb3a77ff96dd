"""Content hashes of files, remembered so that a warm start does not read gigabytes again."""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path

SETTLED_NS = 2_000_000_000
"""A file changed within this time may change once more without a new time stamp: its hash is not remembered."""


class FileHashes:
    """sha256 of files, remembered below ``cache`` by resolved path, size and modification time."""

    def __init__(self, cache: Path) -> None:
        self._memory = cache / "file-hashes.json"
        self._known: dict[str, list[object]] = {}
        self._changed = False
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(self._memory.read_bytes())
            self._known = known if isinstance(known, dict) else {}

    def sha256(self, path: Path) -> str:
        """sha256 of the file's content, as hexadecimal digits."""
        path = path.resolve()
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns]
        known = self._known.get(str(path))
        if isinstance(known, list) and known[:2] == stamp and len(known) == 3:
            return str(known[2])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
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
        present = {path: stamp for path, stamp in self._known.items() if os.path.exists(path)}
        with contextlib.suppress(OSError):
            handle, name = tempfile.mkstemp(prefix="tmp-", dir=self._memory.parent)
            with os.fdopen(handle, "w") as file:
                json.dump(present, file, indent=0, sort_keys=True)
            os.replace(name, self._memory)
