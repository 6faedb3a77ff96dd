"""The dataset plugin interface: raw files in, one log out.

A dataset plugin reads raw files into a :class:`Log`: the plain table, and what its columns mean. The harness does the
rest, in the same way for every dataset, so that no plugin can leak by accident. It orders rows by time, splits, fits
vocabularies and scales on the training split, indexes sessions, and caches the result.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from mtlbench.api.description import Description
from mtlbench.api.inputs import Bag, Inputs
from mtlbench.api.log import Log
from mtlbench.api.plugin import Plugin
from mtlbench.api.publication import Publication
from mtlbench.api.schema import Schema


@dataclass(frozen=True)
class Split:
    """One encoded part of a dataset: N rows in order of time, F categorical and D numerical inputs, K tasks.

    The session index makes each row one transition of a session MDP: the next state of row i is row ``next_row[i]``.
    """

    categorical: Tensor
    """(N, F) int32, column f in ``[0, schema.categorical[f].cardinality)``."""
    numerical: Tensor
    """(N, D) float32, standardised on the training split."""
    labels: Tensor
    """(N, K) float32, each in its task's unit, 0 or 1 of a binary task; NaN where not observed."""
    timestamp: Tensor
    """(N,) int64 milliseconds, never decreasing; the row number where the log has no timestamp."""
    session: Tensor
    """(N,) int64, from 0 without gaps; a session cut by a split boundary is two. Row number without sessions."""
    user: Tensor
    """(N,) int64, without gaps over the whole dataset; row number where the log has no users."""
    position: Tensor
    """(N,) int64, the row's place in its session, from 0."""
    next_row: Tensor
    """(N,) int64, row of the next impression of the same session; the row itself where the session ends."""
    done: Tensor
    """(N,) bool, whether the session ends with this row."""
    optimum: Tensor | None = None
    """(N, K) float64 true means of the labels given the inputs, where the generator knows them."""
    bags: tuple[Bag, ...] = ()
    """One for each of ``schema.bags``, of N rows."""
    vectors: tuple[Tensor, ...] = ()
    """One (N, width) float32 for each of ``schema.vectors``."""
    weight: Tensor | None = None
    """(N,) float32 sample weights as the log has them, >= 0; the labels of a row of weight 0 are NaN. ``None``: the log
    has none."""

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Split":
        """The same split with every tensor on ``device``."""
        inputs = vars(self.inputs.to(device))
        others = {name: value for name, value in vars(self).items() if name not in inputs}
        moved = {name: value.to(device) for name, value in others.items() if isinstance(value, Tensor)}
        return Split(**{**others, **moved, **inputs})

    @property
    def inputs(self) -> Inputs:
        """What a backbone reads of all N rows."""
        return Inputs(self.categorical, self.numerical, self.bags, self.vectors)


@dataclass(frozen=True)
class Splits:
    """An encoded dataset."""

    schema: Schema
    train: Split
    validation: Split
    test: Split
    fingerprint: str
    """sha256 over raw content, parameters, the dataset's version and that of the encoding."""
    facts: Mapping[str, float | int | str]
    """Facts of the log, and the sizes and base rates of the splits."""
    warnings: tuple[str, ...] = ()
    """What whoever reads results on it must know, as sentences with their figures; ``mtlbench run`` prints them."""

    def to(self, device: torch.device) -> "Splits":
        """The same dataset with every tensor on ``device``."""
        train, validation, test = (split.to(device) for split in self.parts().values())
        return replace(self, train=train, validation=validation, test=test)

    def parts(self) -> dict[str, Split]:
        """The three splits by name, in order of time."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


class Dataset(Plugin, ABC):
    """Base of a dataset plugin.

    The constructor gets validated parameters. :meth:`load` reads the raw files. :meth:`files` names them; the cache is
    found again by their content.
    """

    folder: ClassVar[str | None] = None
    """Folder below the data folder that holds the raw files; ``None`` for a generated dataset."""
    package: ClassVar[str | None] = None
    """The Python package that brings the raw files, where one does: they then lie in no data folder."""
    version: ClassVar[int] = 1
    """Raise it when the same raw files and parameters give another log, so that results before and after never mix."""
    publications: ClassVar[Sequence[Publication]] = ()
    """Where the raw files come from; several, if a parameter chooses among them."""
    base: Path = Path()
    """Folder at which relative paths in the parameters start. The harness sets it to the folder of the study file where
    that names the dataset."""

    def __init__(self, params: object) -> None:
        self.params = params

    def publication(self) -> Publication | None:
        """Where the raw files of these parameters come from; ``None`` if nowhere, as for a generated dataset."""
        for publication in self.publications:
            if all(getattr(self.params, name) == value for name, value in publication.params.items()):
                return publication
        return None

    def files(self, root: Path) -> list[Path]:
        """The raw files below the data folder ``root`` from which the log is read, in a fixed order.

        Raises:
            DataError: a file is absent; the message says where to get it and the layout expected.
        """
        return []

    @abstractmethod
    def load(self, root: Path) -> Log:
        """Read the log from the data folder ``root``.

        Raises:
            DataError: a file is missing, truncated or malformed.
        """

    @classmethod
    def describe(cls, file: Path, folder: Path, tasks: Sequence[str] = ()) -> Description | None:
        """Look at a user's own ``file`` (or folder of files) and draft the description by which this dataset reads it.

        ``None`` for a dataset that reads no such files.

        Args:
            file: the file or folder.
            folder: where the draft will be saved.
            tasks: the tasks as the user names them; found by the dataset where there are none.

        Raises:
            DataError: the file cannot be read, or a task is not in it.
        """
        return None

    @classmethod
    def from_description(cls, file: Path) -> "type[Dataset] | None":
        """The dataset that ``file`` describes, a TOML file beside the modules of a package of datasets.

        ``None`` for a dataset that reads no such files. Its name is the stem of the file.

        Raises:
            DataError: the file is no description; naming the key and the remedy.
        """
        return None
