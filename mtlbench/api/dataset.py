"""The dataset plugin interface: raw files in, one log out.

A dataset plugin reads raw files into a :class:`Log`: the plain table, and what its columns mean. The harness does the
rest, in the same way for every dataset, so that no plugin can leak by accident. It orders rows by time, splits, fits
vocabularies and scales on the training split, indexes sessions, and caches the result.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from mtlbench.api.description import Description
from mtlbench.api.plugin import Plugin
from mtlbench.api.publication import Publication
from mtlbench.api.schema import Pooling
from mtlbench.api.spilled import Frame
from mtlbench.api.splitting import Splitting
from mtlbench.api.tasks import Task


@dataclass(frozen=True)
class BagColumn:
    """An input column of which each row holds any number of ids: a list, a tuple, an array, or nothing.

    ::

        BagColumn("tags")
        BagColumn("clicked_items", length=50, pooling="attention", of="item_id")
    """

    name: str
    length: int = 20
    """Most ids of a row that are read: its first ones."""
    pooling: Pooling = "mean"
    of: str | None = None
    """The categorical input whose ids these are. It then has the same embeddings, and ids that it does not know are
    unknown. ``attention`` needs one."""


@dataclass
class Log:
    """A raw log, one row per impression, and what its columns mean.

    The rows of ``frame`` may be in any order. It may have more columns than are named; only the named ones are used. A
    column named as an input must be known at the moment of the impression.
    """

    frame: Frame
    """A data frame; a :class:`mtlbench.api.SpilledFrame` where the log may be larger than memory."""
    tasks: Sequence[str | Task]
    """The label columns. A bare name is a binary task with no task before it; :func:`mtlbench.api.funnel` names the
    stages of a funnel. A missing label was not observed: the row then trains the other tasks alone."""
    categorical: Sequence[str] = ()
    """Input columns taken as ids, of any dtype. A missing value is an id of its own."""
    numerical: Sequence[str] = ()
    """Input columns taken as numbers. They are standardised on the training split; missing values become its mean."""
    timestamp: str | None = None
    """Integer column of milliseconds since 1970. ``None``: a seeded random split, and no session MDP."""
    session: str | None = None
    """Column of session ids (see :func:`mtlbench.api.session_ids`). ``None``: no session MDP."""
    user: str | None = None
    """Column of user ids, for metrics per user."""
    user_inputs: Sequence[str] = ()
    """The inputs that describe the user. Some methods leave them out of a state."""
    held_out: str | None = None
    """Boolean column, true on the rows of a published test part. Validation is then the last quarter of the other rows.
    ``None``: ``splitting`` says how it is split."""
    optimum: Sequence[str] = ()
    """Columns of the true mean of each task given the inputs, its probability if it is binary, where the generator
    knows it."""
    origin: str = ""
    """Where the rows come from, such as the name of a file. Errors about the rows name it."""
    min_count: int = 1
    """Ids seen fewer times than this in the training split are encoded as unknown."""
    facts: Mapping[str, float | int | str] = field(default_factory=dict)
    """What a reader of the leaderboard should know about the log, such as the number of duplicates dropped."""
    warnings: Sequence[str] = ()
    """What whoever runs a study on the log must know, as sentences: ids that lost their last digits, for example."""
    place: Callable[[int], str] = "row {}".format
    """What a row of ``frame``, counted from 0, is called where it comes from, such as its file and line: named where
    the row is refused."""
    clipped: Mapping[str, float] = field(default_factory=dict)
    """The tasks whose labels are cut from above, in all splits, with the quantile of the observed training labels at
    which they are cut: ``{"watch_time": 0.999}``."""
    bags: Sequence[str | BagColumn] = ()
    """Input columns of several ids each. A bare name is a :class:`BagColumn` of the default length."""
    splitting: Splitting = field(default_factory=Splitting)
    """How the rows are split. The default is 6:2:2, by time where there is a timestamp."""
    binned: Mapping[str, int] = field(default_factory=dict)
    """Input columns of numbers of which each becomes a categorical field, with the number of its bins: ``{"price":
    20}``. The edges are quantiles of the training rows, and missing values have a bin of their own."""
    vectors: Sequence[str] = ()
    """Input columns of vectors, such as pretrained embeddings: lists of equally many numbers. Each number is
    standardised on the training split, and each column is projected to one vector as wide as an embedding. A missing
    vector becomes the mean."""
    weight: str | None = None
    """Column of sample weights, finite and >= 0, of any scale: how much a row counts in training and in metrics. A row
    of weight 0 is a row without labels. ``None``: all rows count the same."""

    @property
    def described_tasks(self) -> tuple[Task, ...]:
        """The tasks, each with its kind."""
        return tuple(Task(task) if isinstance(task, str) else task for task in self.tasks)

    @property
    def described_bags(self) -> tuple[BagColumn, ...]:
        """The bags, each with its length."""
        return tuple(BagColumn(bag) if isinstance(bag, str) else bag for bag in self.bags)

    @property
    def task_names(self) -> list[str]:
        """The label columns."""
        return [task.name for task in self.described_tasks]


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
