"""The files of records: JSON, as a run writes it, or compressed by gzip, as large boards are committed."""

import gzip
import zlib
from operator import attrgetter
from pathlib import Path

PLAIN, COMPRESSED = ".json", ".json.gz"
MOST_BYTES = 2**28
"""Of what a compressed file holds. A record takes some 20 KB, and a small file of a stranger may hold any number."""


def record_files(folder: Path) -> list[Path]:
    """All of ``folder``, sorted by name; hidden ones are what a crash left behind."""
    found = [path for ending in (PLAIN, COMPRESSED) for path in folder.glob(f"[!.]*{ending}")]
    return sorted(found, key=attrgetter("name"))


def is_record_file(name: str) -> bool:
    """Whether a file is called as one."""
    return name.endswith((PLAIN, COMPRESSED))


def stem_of(path: Path) -> str:
    """The name of a file of :func:`record_files` without its ending."""
    return path.name.removesuffix(".gz").removesuffix(PLAIN)


def content_of(path: Path) -> bytes:
    """The JSON in a file.

    Raises:
        OSError: it cannot be read, or what is compressed is damaged or too large.
    """
    if path.suffix != ".gz":
        with path.open("rb", buffering=0) as file:
            return file.read()
    try:
        with gzip.open(path) as file:
            content = file.read(MOST_BYTES + 1)
    except (EOFError, zlib.error) as error:
        raise gzip.BadGzipFile(f"it is damaged ({error})") from error
    if len(content) > MOST_BYTES:
        raise gzip.BadGzipFile(f"it has more than {MOST_BYTES:,} bytes when it is decompressed")
    return content
