"""What a dataset finds out about a user's own file that it could read."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A table of texts, with a title."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Description:
    """A profile of a file, and a draft of the description that the dataset needs to read the file."""

    sections: Sequence[Section]
    draft: str
    """Text of the description. Comments in it say what is guessed, and why."""
    spec: str
    """How the dataset is written on the command line, with ``{path}`` for the path of the description."""
    rows: int = 0
    """Number of rows of the file."""
    tasks: Sequence[str] = ()
    """The tasks of the draft, where they are the user's or hardly in doubt."""
    candidates: Sequence[str] = ()
    """Further columns that may be tasks."""
    obstacles: Sequence[str] = ()
    """What a study on the draft would be refused for, as sentences with the remedy."""
