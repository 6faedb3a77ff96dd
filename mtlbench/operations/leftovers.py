"""What runs that died left in a results folder and nothing needs: never a record."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.locks import FOLDER, SUFFIX
from mtlbench.records import RecordStore
from mtlbench.records.event_log import is_running
from mtlbench.records.files import stem_of

TEMPORARY = (
    "records/.*.tmp",
    "records/searches/.*.tmp",
    "checkpoints/.*.tmp",
    "checkpoints/*.tmp",
    "checkpoints/running/*/.*.tmp",
    ".*.tmp",
)
"""Files that are written beside their place and renamed when they are whole."""
LOCK_FOLDERS = (FOLDER, "claims")
"""A run removes its locks; those that are there while none goes on are of one that died. ``claims`` is the name of the
folder in earlier versions."""
SAVES = "checkpoints/running/*/*.pt"
"""What a cell has done so far, below a folder of the cell's name."""


@dataclass(frozen=True)
class Leftover:
    """A file that may go, and why."""

    path: Path
    why: str
    size: int


def leftovers(folder: Path, checkpoints: bool = False) -> list[Leftover]:
    """Temporary files and locks in the results folder ``folder``, and what recorded cells had saved while they ran.

    With ``checkpoints`` also all checkpoints, and what cells without a record have saved. A checkpoint is needed only
    by cells that are still to run; one that is missing then is trained again. A cell without its saves begins again.

    Raises:
        UsageError: the folder does not exist, holds nothing of mtlbench, or a run is going on there.
    """
    if not folder.is_dir() or not any((folder / name).exists() for name in ("records", "checkpoints", "events.jsonl")):
        raise UsageError(f"{folder} is no results folder; name one of `mtlbench run`")
    if is_running(folder):
        raise UsageError(f"a run is going on in {folder}; wait until it has ended, `mtlbench status {folder}` tells")
    found = {path: "temporary file of a run that died" for pattern in TEMPORARY for path in folder.glob(pattern)}
    found |= {path: "lock of a run that died" for name in LOCK_FOLDERS for path in (folder / name).glob(f"*{SUFFIX}")}
    records = set(RecordStore(folder).paths())
    recorded = {stem_of(path) for path in records}
    for path in folder.glob(SAVES):
        if path.parent.name in recorded:
            found[path] = "save of a cell that has its record"
        elif checkpoints:
            found[path] = "save of an unfinished cell"
    if checkpoints:
        found |= dict.fromkeys((folder / "checkpoints").glob("[!.]*.pt"), "checkpoint")
    kept = {path: why for path, why in found.items() if path not in records and path.is_file()}
    return [Leftover(path, why, path.lstat().st_size) for path, why in sorted(kept.items())]


def remove(found: list[Leftover]) -> None:
    """Delete the files, and the folders of locks and saves that are then empty.

    Raises:
        UsageError: one cannot be deleted.
    """
    for leftover in found:
        try:
            leftover.path.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot delete {leftover.path}: {error.strerror}; check the permissions of its folder"
            ) from error
    for folder in sorted({leftover.path.parent for leftover in found}):
        if folder.name in LOCK_FOLDERS or folder.parent.name == "running":
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()
