"""What a dataset says of a user's own file that it could read."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A titled table of texts."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Description:
    """A profile of a file, and a draft of the description that the dataset needs to read it."""

    sections: Sequence[Section]
    draft: str
    """Content of the description; comments in it say what is guessed, and why."""
    spec: str
    """How the dataset is named on the command line, with ``{path}`` for the path of the description."""
