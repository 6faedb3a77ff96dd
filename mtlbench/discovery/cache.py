"""Answers about the plugins, kept from one process to the next: importing all plugins takes seconds.

An answer is plain JSON in the user's cache folder. It is found by a fingerprint of the sources that it depends on, and
holds while every other module that was imported to find it is unchanged. One thing is not seen: what a plugin reads
elsewhere while it is imported, such as an environment variable.
"""

import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mtlbench.discovery.dependencies import fingerprint, loaded_modules, sources, stamp
from mtlbench.files import cache_dir, replacing

KEPT = 32
"""Most answers that are kept; the oldest are deleted."""

UNUSABLE = (OSError, RuntimeError)
"""What a cache raises that is absent or cannot be written, or whose folder is in the home folder of nobody."""

INTERFACE = "mtlbench.api"
"""The module that every plugin imports."""


def cached(question: str, files: Sequence[Path], find: Callable[[], tuple[Any, bool]]) -> Any:
    """The answer to ``question`` about the plugins of the installed packages and of ``files``.

    Without a cache that can be read and written, this is slow and gives the same answer.

    Args:
        question: what is asked.
        files: the plugin files.
        find: finds the answer, which JSON can hold, and says whether it may be kept. An answer with a broken plugin may
            not: the cause can lie outside the plugin, such as a package that is installed later.
    """
    if INTERFACE in sys.modules:
        # Plugins may be imported already: asking them is quick, and their files may have changed since.
        return _plain(find()[0])
    started = time.time_ns()
    known = sources(files)
    identity = fingerprint(question, known)
    kept = _read(identity)
    if kept is not None:
        return kept
    answer, lasting = find()
    if lasting and fingerprint(question, sources(files)) == identity:
        loaded = {file: stamp(file) for file in loaded_modules() - known.keys()}
        # A module that changed meanwhile may have been imported as it was before.
        if not any(state and started <= state[1] <= time.time_ns() for state in loaded.values()):
            _write(identity, {"answer": answer, "loaded": loaded})
    return _plain(answer)


def _plain(answer: Any) -> Any:
    """``answer`` as it is read from the cache."""
    return json.loads(json.dumps(answer))


def _read(identity: str) -> Any:
    """The answer that is kept; ``None`` where there is none, it is damaged, or it no longer holds."""
    with contextlib.suppress(*UNUSABLE):
        checksum, _, content = _path(identity).read_bytes().partition(b"\n")
        if checksum == _checksum(content):
            kept = json.loads(content)
            if all(stamp(file) == state for file, state in kept["loaded"].items()):
                return kept["answer"]
    return None


def _write(identity: str, kept: dict[str, Any]) -> None:
    content = json.dumps(kept).encode()
    with contextlib.suppress(*UNUSABLE):
        path = _path(identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(_checksum(content) + b"\n" + content)
        for old in sorted(path.parent.iterdir(), key=lambda file: file.stat().st_mtime_ns)[:-KEPT]:
            old.unlink(missing_ok=True)


def _path(identity: str) -> Path:
    return cache_dir() / "plugins" / f"{identity}.json"


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
