"""What runs that died left in a results folder and nothing needs: never a record."""

from dataclasses import dataclass
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.records import RecordStore
from mtlbench.records.event_log import is_running

TEMPORARY = ("records/.*.tmp", "checkpoints/.*.tmp", "checkpoints/*.tmp", ".*.tmp")
"""Files that are written beside their place and renamed when they are whole."""


@dataclass(frozen=True)
class Leftover:
    """A file that may go, and why."""

    path: Path
    why: str
    size: int


def leftovers(folder: Path, checkpoints: bool = False) -> list[Leftover]:
    """Temporary files in the results folder ``folder``, and with ``checkpoints`` all checkpoints too.

    A checkpoint is needed only by cells that are still to run; one that is missing then is trained again.

    Raises:
        UsageError: the folder does not exist, holds nothing of mtlbench, or a run is going on there.
    """
    if not folder.is_dir() or not any((folder / name).exists() for name in ("records", "checkpoints", "events.jsonl")):
        raise UsageError(f"{folder} is no results folder; name one of `mtlbench run`")
    if is_running(folder):
        raise UsageError(f"a run is going on in {folder}; wait until it has ended, `mtlbench status {folder}` tells")
    found = {path: "temporary file of a run that died" for pattern in TEMPORARY for path in folder.glob(pattern)}
    if checkpoints:
        found |= dict.fromkeys((folder / "checkpoints").glob("[!.]*.pt"), "checkpoint")
    records = set(RecordStore(folder).paths())
    kept = {path: why for path, why in found.items() if path not in records and path.is_file()}
    return [Leftover(path, why, path.lstat().st_size) for path, why in sorted(kept.items())]


def remove(found: list[Leftover]) -> None:
    """Delete the files.

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
