"""The records of two results folders in one."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.records import RecordStore, read_record
from mtlbench.records.files import stem_of
from mtlbench.records.searches import Search, joined, read_search, search_paths, write_search


def merge(sources: Sequence[Path], into: Path, prefer: Path | None = None) -> tuple[int, int]:
    """Copy the records of ``sources`` into the results folder ``into``, which may have records of its own.

    Records of searches come along; two of the same search become one.

    Args:
        sources: results folders.
        into: where to; nothing is written there unless everything can be.
        prefer: the source whose record counts where two are of the same cell and say different things.

    Returns:
        Number of records copied, and of those that were there already or in several sources.

    Raises:
        UsageError: a folder has no records, one is unreadable, or two of the same cell differ and none is preferred.
    """
    if prefer is not None and prefer not in sources:
        raise UsageError(f"--prefer {prefer} is none of the folders that are merged: {', '.join(map(str, sources))}")
    chosen: dict[str, tuple[Path, Path]] = {}
    seen = 0
    for source in [*([into] if RecordStore(into).paths() else []), *sources]:
        paths = RecordStore(source).paths()
        if not paths:
            raise UsageError(f"there are no records in {source / 'records'}; name a results folder of `mtlbench run`")
        for path in paths:
            seen += 1
            cell = read_record(path).cell
            if cell not in chosen:
                chosen[cell] = source, path
            elif not _same(chosen[cell][1], path):
                chosen[cell] = _preferred(cell, chosen[cell], (source, path), prefer)
    copied = [path for source, path in chosen.values() if source != into]
    searches = _searches([into, *sorted(sources, key=lambda source: source != prefer)])
    _copy(copied, RecordStore(into).folder)
    for name, search in searches:
        write_search(RecordStore(into).folder, search, name)
    return len(copied), seen - len(copied)


def _searches(folders: Sequence[Path]) -> list[tuple[str, Search]]:
    """Each search of the results folders ``folders`` once, with the name of its file; of equals the first counts."""
    found: dict[str, tuple[str, Search]] = {}
    for path in (path for folder in folders for path in search_paths(RecordStore(folder).folder)):
        search = read_search(path)
        name, known = found.get(search.search, (path.name, search))
        found[search.search] = name, joined(known, search)
    return list(found.values())


def _same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes() or read_record(one) == read_record(other)


def _preferred(cell: str, known: tuple[Path, Path], new: tuple[Path, Path], prefer: Path | None) -> tuple[Path, Path]:
    for source, path in (new, known):
        if source == prefer:
            return source, path
    raise UsageError(
        f"the records {known[1]} and {new[1]} are of the same cell {cell[:12]} and say different things; nothing was "
        f"written: delete one of the two, or name with --prefer the folder that counts"
    )


def _copy(paths: Sequence[Path], folder: Path) -> None:
    """Copy under hidden names first, so that what fails half-way leaves nothing behind."""
    staged: list[tuple[Path, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            temporary = folder / f".{stem_of(path)}.{os.getpid()}.tmp"
            staged.append((temporary, folder / path.name))
            shutil.copyfile(path, temporary)
        for temporary, place in staged:
            temporary.replace(place)
    except OSError as error:
        raise UsageError(
            f"cannot write the records to {folder}: {error.strerror or error}; check that the folder may be written "
            "and that the disk has room, or choose another folder"
        ) from error
    finally:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
