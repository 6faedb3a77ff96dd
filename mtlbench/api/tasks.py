"""What a dataset says of a task: what its label is, and which task has to happen first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mtlbench.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Task:
    """One label that the network predicts.

    ::

        Task("click")
        Task("watch_time", "nonnegative", after="click", within=True)
        Task("rating", "real", params={"loss": "huber"})
    """

    name: str
    """Of the label's column, and of the task in tables."""
    kind: str = "binary"
    """``binary``, ``real`` or ``nonnegative``: what the label is (``mtlbench.tasks``)."""
    after: str | None = None
    """The binary task that has to happen first, as a click before a conversion. ``None``: none."""
    within: bool = False
    """Whether the task is of those rows alone on which ``after`` happened, and not observed on the others. ``False``:
    it is of all rows, and where ``after`` did not happen, it did not either."""
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Parameters of the kind, such as its loss."""
    observed: str | None = None
    """In which rows the label was observed, in words, such as ``rated == 1``. ``None``: in all, so that labels that are
    missing are warned of, unless ``within`` says why."""


def funnel(*names: str) -> tuple[Task, ...]:
    """Binary tasks of all rows, each after the one before: ``funnel("click", "conversion")``."""
    return tuple(Task(name, after=names[place - 1] if place else None) for place, name in enumerate(names))


def check_order(tasks: Sequence[Task]) -> None:
    """Refuse tasks whose ``after`` names no binary task, or leads in a circle.

    Raises:
        DataError: naming the task and the remedy.
    """
    named = {task.name: task for task in tasks}
    for task in tasks:
        if task.after is None:
            if task.within:
                raise DataError(f"task {task.name!r} is within a task that it does not name: say which one by `after`")
        elif task.after not in named:
            known = did_you_mean(task.after, list(named))
            raise DataError(f"task {task.name!r} comes after {task.after!r}, which is no task: {known}")
        elif named[task.after].kind != "binary":
            raise DataError(
                f"task {task.name!r} comes after {task.after!r}, which is {named[task.after].kind}: only a binary task "
                "happens or does not; leave `after` out"
            )
    for task in tasks:
        chain, before = [task.name], task.after
        while before is not None:
            if before in chain:
                circle = " after ".join([*chain, before])
                raise DataError(f"the tasks come after each other in a circle, {circle}: leave one `after` out")
            chain, before = [*chain, before], named[before].after
