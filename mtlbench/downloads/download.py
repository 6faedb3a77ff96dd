"""Download what a publication offers to everyone, and put it where the dataset reads it."""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pooch

from mtlbench.api import Publication, RemoteFile
from mtlbench.downloads.archives import unpack
from mtlbench.downloads.resuming import ResumingDownloader
from mtlbench.errors import DataError, UsageError

WAITING_ROOM = ".downloads"
"""Folder below the data folder for archives and for what is not yet whole."""

Report = Callable[[str, int, int | None], None]
"""Hears the name of a file, how many bytes of it are there, and of how many."""


def download(publication: Publication, root: Path, report: Report = lambda *_: None) -> None:
    """Download the files of ``publication`` into the data folder ``root``; what is there already is kept.

    An interrupted download goes on where it stopped when called again. An archive that somebody put into
    ``.downloads`` below the data folder is checked and unpacked in place of a download.

    Raises:
        UsageError: no connection, no such file, no room, or no permission.
        DataError: a file is not what was published, or an archive is damaged or hostile.
    """
    pooch.get_logger().setLevel("ERROR")
    waiting = root / WAITING_ROOM
    try:
        waiting.mkdir(parents=True, exist_ok=True)
        for file in publication.files:
            _fetch(file, root, waiting, report)
        with contextlib.suppress(OSError):
            waiting.rmdir()  # what is still in it belongs to another download
    except OSError as error:
        raise UsageError(
            f"cannot write to the data folder {root}: {error.strerror}; name another by --data-dir"
        ) from error


def _fetch(file: RemoteFile, root: Path, waiting: Path, report: Report) -> None:
    name = unquote(Path(urlsplit(file.url).path).name)
    partial = waiting / f"{name}.part"
    have = partial.stat().st_size if partial.exists() else 0
    if shutil.disk_usage(root).free < file.size - have:
        raise UsageError(
            f"{root} has no room for {name} of {file.size:,} bytes: free some space, or name another data folder by "
            "--data-dir"
        )
    place = waiting / name if file.unpack else root / file.path
    place.parent.mkdir(parents=True, exist_ok=True)
    downloader = ResumingDownloader(partial, lambda done, total: report(name, done, total or file.size))
    try:
        pooch.retrieve(file.url, known_hash=file.checksum, fname=place.name, path=place.parent, downloader=downloader)
    except ValueError as error:  # what pooch raises where the checksum differs
        raise DataError(
            f"{file.url} was downloaded and is not the file that was published: its checksum is not {file.checksum}; "
            "it was removed: try again, and if it happens again, see the page of the dataset"
        ) from error
    if file.unpack:
        unpack(place, root / file.path)
        place.unlink()
