"""Unpacking an archive that a stranger made: plain files and folders below the target, and nothing else."""

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from mtlbench.errors import DataError

MOST_TIMES, ALWAYS_ALLOWED = 200, 2**30
"""An archive may grow to this many times its size, or to this many bytes: logs as text grow to 5 to 20 times."""

BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, OSError, NotImplementedError, RuntimeError)


def unpack(archive: Path, target: Path) -> None:
    """Unpack ``archive`` (.zip, .tar, .tar.gz) into the folder ``target``.

    Where everything in the archive lies below one folder that is called as ``target`` is, that folder becomes the
    target. Files of the same name are replaced, others stay. Nothing appears there unless all could be unpacked.

    Raises:
        DataError: the archive is damaged, would write outside the target, holds links or devices, or does not fit on
            the disk.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=target.parent) as scratch:
        inside = Path(scratch)
        try:
            if zipfile.is_zipfile(archive):
                _unzip(archive, inside)
            else:
                _untar(archive, inside)
        except BROKEN as error:
            raise DataError(
                f"{archive} cannot be unpacked: {' '.join(str(error).split()) or type(error).__name__}; it is damaged, "
                "or not the published archive: remove it and download it again"
            ) from error
        entries = list(inside.iterdir())
        alone = len(entries) == 1 and entries[0].is_dir() and entries[0].name == target.name
        _settle(entries[0] if alone else inside, target)


def _untar(archive: Path, inside: Path) -> None:
    with tarfile.open(archive) as tar:
        room = _Room(archive, inside)
        for member in tar:
            _check(archive, member.name, plain=member.isreg() or member.isdir())
            room.take(member.size)
            place = inside / member.name
            content = tar.extractfile(member)
            if content is None:
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            with content, place.open("wb") as file:
                shutil.copyfileobj(content, file)


def _unzip(archive: Path, inside: Path) -> None:
    with zipfile.ZipFile(archive) as bag:
        room = _Room(archive, inside)
        for member in bag.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            _check(archive, member.filename, plain=kind in {0, stat.S_IFREG, stat.S_IFDIR})
            room.take(member.file_size)
        bag.extractall(inside)


def _check(archive: Path, name: str, plain: bool) -> None:
    parts = {*PurePosixPath(name).parts, *PureWindowsPath(name).parts}
    outside = ".." in parts or name.startswith(("/", "\\")) or PureWindowsPath(name).drive
    if outside or not plain or "\0" in name:
        reason = "would be written outside the data folder" if outside else "is neither a file nor a folder"
        raise DataError(
            f"{archive} is not safe to unpack: its entry {name!r} {reason}; nothing was unpacked: remove it"
        )


class _Room:
    """The bytes that an archive may still grow to below ``inside``."""

    def __init__(self, archive: Path, inside: Path) -> None:
        self._archive = archive
        self._allowed = max(ALWAYS_ALLOWED, MOST_TIMES * archive.stat().st_size)
        self._free = shutil.disk_usage(inside).free

    def take(self, size: int) -> None:
        """Count a member of ``size`` bytes."""
        self._allowed -= size
        self._free -= size
        if self._allowed < 0:
            raise DataError(
                f"{self._archive} is not safe to unpack: it would grow to more than {MOST_TIMES} times its size, as an "
                "archive made to fill the disk does; nothing was unpacked: remove it"
            )
        if self._free < 0:
            raise DataError(
                f"{self._archive} does not fit on the disk when unpacked: free some space, or use another data folder"
            )


def _settle(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, place)
