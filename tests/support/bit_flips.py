"""One changed bit in a saved file of tensors, and the names of the parts of such a file."""

import zipfile
from pathlib import Path

from mtlbench.training.tensor_files import FOOTER

REGIONS = ("header", "pickle", "first tensor", "last tensor", "directory", "digest", "last byte")


def flip(path: Path, byte: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1 << bit
    path.write_bytes(content)


def flip_in(path: Path, region: str) -> None:
    """Flip a bit in the middle of a part of the file."""
    start, length = _part(path, region)
    flip(path, start + length // 2, 3)


def _part(path: Path, region: str) -> tuple[int, int]:
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        directory = archive.start_dir
    if region == "header":
        return 0, len(b"PK")
    if region == "directory":
        return directory, size - FOOTER - directory
    if region == "digest":
        return size - FOOTER, FOOTER
    if region == "last byte":
        return size - 1, 1
    tensors = [member for member in members if "/data/" in member.filename and member.file_size]
    member = {
        "pickle": next(member for member in members if member.filename.endswith("/data.pkl")),
        "first tensor": tensors[0],
        "last tensor": tensors[-1],
    }[region]
    return _content_of(path, member), member.file_size


def _content_of(path: Path, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: after its local header, whose name and padding have lengths of their own."""
    content = path.read_bytes()
    name, padding = (
        int.from_bytes(content[member.header_offset + at : member.header_offset + at + 2], "little") for at in (26, 28)
    )
    return member.header_offset + 30 + name + padding
