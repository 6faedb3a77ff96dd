"""Where the raw files of a dataset come from, under which licence, and what their publisher says about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RemoteFile:
    """A file that anyone may download."""

    url: str
    path: str
    """Where it is put below the data folder: the file itself, or the folder into which an archive is unpacked."""
    size: int
    """Bytes, at least approximately."""
    checksum: str | None = None
    """``md5:`` or ``sha256:`` and the digits, as published; ``None`` where the publisher gives none."""
    unpack: bool = False
    """Whether the file is an archive (.zip, .tar, .tar.gz) to be unpacked."""


@dataclass(frozen=True)
class Publication:
    """One publication of a dataset."""

    page: str
    """Address of the page that describes it."""
    licence: str
    """Its name, such as ``CC BY-SA 4.0``."""
    licence_page: str = ""
    """Address of its text; empty if ``page`` has it."""
    size: int | None = None
    """Bytes to download, at least approximately; ``None`` if not known."""
    files: Sequence[RemoteFile] = ()
    """What can be downloaded without an account."""
    by_hand: str = ""
    """If the site wants an account or a click on its licence: what to fetch and where to put it, as sentences."""
    params: Mapping[str, object] = field(default_factory=dict)
    """Values of the dataset's parameters that choose this publication. Parameters not named here may have any value."""
    facts: Mapping[str, int | tuple[float, float]] = field(default_factory=dict)
    """What is published about the whole dataset: a count, or a range for a rounded figure. The names are those of its
    facts: ``rows``, ``users``, those of :attr:`mtlbench.api.Log.facts`, and ``rate.TASK`` over all rows."""
