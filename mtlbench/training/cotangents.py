"""Gradients of several tasks at one place of a graph."""

from collections.abc import Sequence
from functools import cached_property, reduce
from operator import add

import torch
from torch import Tensor


class Cotangent:
    """The gradients of some tasks at one place of the graph.

    Args:
        tasks: their numbers, ascending.
        values: of each; a tensor (S, ...) where they were computed together.
    """

    def __init__(self, tasks: tuple[int, ...], values: Tensor | Sequence[Tensor]) -> None:
        self.tasks = tasks
        self._values = values

    @property
    def stacked(self) -> bool:
        """Whether they were computed together."""
        return isinstance(self._values, Tensor)

    def split(self) -> "Cotangent":
        """The same, of each task by itself."""
        return Cotangent(self.tasks, list(self._values))

    @cached_property
    def together(self) -> Tensor:
        """(S, ...), one tensor; of samples (S, B, ...) those of a sample lie side by side in memory."""
        return self._values if isinstance(self._values, Tensor) else stack(self._values)

    @cached_property
    def by_task(self) -> dict[int, Tensor]:
        """Task -> its gradient."""
        return dict(zip(self.tasks, self._values, strict=True))


def stack(parts: Sequence[Tensor]) -> Tensor:
    """``parts`` (B, ...) as (S, B, ...), with the S rows of each of B side by side in memory."""
    return torch.stack(list(parts), dim=1).movedim(1, 0) if parts[0].dim() > 1 else torch.stack(list(parts))


def side_by_side(stacked: Tensor) -> Tensor:
    """(B, S * w), in one piece, of ``stacked`` (S, B, w); free where :func:`stack` made it."""
    return stacked.movedim(0, 1).flatten(1)


def apart(rows: Tensor, tasks: int) -> Tensor:
    """(S, B, w) of what :func:`side_by_side` gave."""
    return rows.unflatten(1, (tasks, -1)).movedim(1, 0)


def total(parts: Sequence[Cotangent]) -> Cotangent:
    """The sum of ``parts``, of each task in the order in which they came."""
    if len(parts) == 1:
        return parts[0]
    if len({part.tasks for part in parts}) == 1:
        return Cotangent(parts[0].tasks, reduce(add, (part.together for part in parts)))
    by_task: dict[int, Tensor] = {}
    for part in parts:
        for task, value in part.by_task.items():
            by_task[task] = by_task[task] + value if task in by_task else value
    tasks = tuple(sorted(by_task))
    return Cotangent(tasks, [by_task[task] for task in tasks])
