"""What a dataset says of a task: what its label is, and which task has to happen first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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


def funnel(*names: str) -> tuple[Task, ...]:
    """Binary tasks of all rows, each after the one before: ``funnel("click", "conversion")``."""
    return tuple(Task(name, after=names[place - 1] if place else None) for place, name in enumerate(names))
