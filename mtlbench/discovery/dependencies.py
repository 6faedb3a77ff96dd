"""What the found plugins depend on: installed packages, plugin files, and the modules that they import."""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from importlib import machinery, metadata
from importlib.util import find_spec
from pathlib import Path

import mtlbench
from mtlbench.discovery.files import digest

GROUP = "mtlbench"
"""The group of entry points through which a package names its plugins."""

IMPORTABLE = (*machinery.all_suffixes(), ".dist-info", ".egg-info", ".egg-link", ".pth", ".zip")
"""Endings of what a folder of ``sys.path`` offers, beside its packages: modules, and installed distributions."""


def entry_points() -> list[metadata.EntryPoint]:
    """The entry points of all installed packages that name plugins, in a fixed order."""
    return sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name)


def search_path() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each folder of ``sys.path`` with the modules, packages and distributions in it.

    It changes when a package is installed, upgraded or removed, and when a module hides another.
    """
    return tuple((folder, _offered(folder)) for folder in dict.fromkeys(map(os.path.abspath, sys.path)))


def _offered(folder: str) -> tuple[str, ...]:
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted(entry.name for entry in entries if _is_importable(entry)))
    except OSError:  # an archive, or nothing at all
        return (str(stamp(folder)),)


def _is_importable(entry: "os.DirEntry[str]") -> bool:
    # A folder without __init__.py hides nothing: any other module of its name comes first.
    return entry.name.endswith(IMPORTABLE) or (
        entry.is_dir() and os.path.isfile(os.path.join(entry.path, "__init__.py"))
    )


def sources(files: Iterable[Path]) -> dict[str, str]:
    """Every file of mtlbench and of the packages that name plugins, and ``files``, with what tells its content.

    For Python sources that is a digest, for other files their size and time of change.
    """
    folders = [os.path.dirname(mtlbench.__file__)]
    for point in entry_points():
        folders += _locations(point.module.partition(".")[0])
    paths = [path for folder in dict.fromkeys(folders) for path in _below(folder)]
    return {path: str(digest(path) if path.endswith(".py") else stamp(path)) for path in [*paths, *map(str, files)]}


def _locations(module: str) -> list[str]:
    """The folders of a package, or the file of a module; nothing where it cannot be found."""
    try:
        spec = find_spec(module)
    except Exception:  # whatever it is, the import of the entry point meets it too, and shows the plugin as broken
        return []
    if spec is None:
        return []
    return list(spec.submodule_search_locations or [spec.origin or ""])


def _below(folder: str) -> Iterator[str]:
    """The files below ``folder``, links followed and compiled files left out; ``folder`` itself where it is a file."""
    if os.path.isfile(folder):
        yield folder
    visited = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        visited.add(os.path.realpath(parent))
        yield from (os.path.join(parent, name) for name in sorted(names))
        folders[:] = sorted(
            name
            for name in folders
            if name != "__pycache__" and os.path.realpath(os.path.join(parent, name)) not in visited
        )


def fingerprint(question: str, sources: dict[str, str]) -> str:
    """sha256 of ``question`` and of all that its answer depends on, as far as that is known without an import."""
    points = [(point.name, point.value, *_distribution(point)) for point in entry_points()]
    content = [question, sys.version, str(sys.flags), search_path(), points, list(sources.items())]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _distribution(point: metadata.EntryPoint) -> tuple[str, ...]:
    return (point.dist.name, point.dist.version) if point.dist else ()


def loaded_modules() -> set[str]:
    """The files of all modules that this process has imported."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return {file for file in files if isinstance(file, str) and os.path.isabs(file)}


def stamp(file: str) -> list[int] | None:
    """Size and time of change of ``file``; ``None`` where it is not there."""
    try:
        state = os.stat(file)
    except OSError:
        return None
    return [state.st_size, state.st_mtime_ns]
