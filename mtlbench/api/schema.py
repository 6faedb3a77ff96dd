"""What a backbone and a weighting know of a dataset: fields and tasks, no data."""

from dataclasses import dataclass

from mtlbench.api.tasks import Task


@dataclass(frozen=True)
class Field:
    """One categorical column after encoding.

    Index 0 is the unknown id: every value that the training split does not contain.
    """

    name: str
    cardinality: int
    """Number of indices, the unknown one included: indices lie in ``[0, cardinality)``."""


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
    """The inputs, categorical and numerical, that describe the user rather than the item or the moment."""

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
