"""What a backbone and a weighting know of a dataset: fields and tasks, no data."""

from dataclasses import dataclass
from typing import Literal

from mtlbench.api.tasks import Task


@dataclass(frozen=True)
class Field:
    """One categorical column after encoding.

    Index 0 is the unknown id: every value that the training split does not contain.
    """

    name: str
    cardinality: int
    """Number of indices, the unknown one included: indices lie in ``[0, cardinality)``."""


Pooling = Literal["mean", "sum", "attention"]
"""How the vectors of a bag's ids become one; the vector of an empty bag is 0.

``attention`` is that of DIN (Zhou et al., KDD 2018, https://arxiv.org/abs/1706.06978): the sum of the vectors, each
times a score of it and of the row's own id in the field that the bag shares its table with."""


@dataclass(frozen=True)
class BagField(Field):
    """One column of bags after encoding: each row has any number of ids, such as tags, or items clicked before.

    The cardinality is that of the field ``of``, where there is one.
    """

    length: int
    """L, the largest number of ids of a row."""
    pooling: Pooling = "mean"
    of: str | None = None
    """The categorical field whose ids these are: it has the same indices and embeddings. ``None``: ids of its own."""


@dataclass(frozen=True)
class VectorField:
    """One column of vectors, such as pretrained embeddings of a text or a picture."""

    name: str
    width: int
    """How many numbers each vector has."""


@dataclass(frozen=True)
class Schema:
    """Shape of an encoded dataset."""

    categorical: tuple[Field, ...]
    numerical: tuple[str, ...]
    tasks: tuple[Task, ...]
    """K tasks, in the order of the columns of labels and logits."""
    sessions: bool
    """Whether rows carry a session and a usable timestamp, so that a session MDP exists."""
    users: bool = True
    """Whether rows carry a user."""
    user_inputs: tuple[str, ...] = ()
    """The inputs that describe the user rather than the item or the moment."""
    bags: tuple[BagField, ...] = ()
    vectors: tuple[VectorField, ...] = ()
    timestamps: bool = False
    """Whether rows carry a timestamp. With a user and a session rule they would have sessions too."""

    @property
    def task_names(self) -> tuple[str, ...]:
        """The names of the tasks, in their order."""
        return tuple(task.name for task in self.tasks)

    @property
    def chain(self) -> bool:
        """Whether all tasks are the stages of one funnel, in their order: each comes after the one before it, and is of
        all rows."""
        before = (None, *self.task_names)
        return all(task.after == first and not task.within for task, first in zip(self.tasks, before, strict=False))
