"""How the tasks go backward in training: all at once, or one by one."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from mtlbench.training.begins import begins
from mtlbench.training.gradients import Reach, by_task, of_task
from mtlbench.training.stacked import gradients

ALIKE = 1e-4
"""Largest relative difference of two gradients that count as the same but for rounding."""


class StackedPasses:
    """Goes backward for all tasks at once, if the first step shows that this gives what passes one by one give.

    It would not where hooks of a backbone change gradients. A GPU goes one by one: there nothing of this was measured.
    """

    def __init__(self) -> None:
        self._possible: bool | None = None

    def __call__(
        self, columns: Tensor, of_columns: Tensor, leaves: Mapping[str, Tensor], reached: Reach | None, keep: bool
    ) -> Sequence[Mapping[str, Tensor]]:
        """The gradients of each task, as :func:`mtlbench.training.gradients.by_task` gives them."""
        if self._possible is False or columns.device.type != "cpu":
            return by_task(columns, of_columns, leaves, reached, keep)
        try:
            found = gradients(begins(columns, of_columns), leaves)
        except (RuntimeError, TypeError, ValueError, AttributeError):  # a node that cannot be entered in this way
            self._possible = False
            return by_task(columns, of_columns, leaves, reached, keep)
        own = [of_task(task, leaves, reached) for task in range(len(found))]
        wanted = [{name: found[task][name] for name in names if name in found[task]} for task, names in enumerate(own)]
        if self._possible is None:
            one_by_one = by_task(columns, of_columns, leaves, reached, keep)
            self._possible = all(map(_alike, wanted, one_by_one))
            # A training that is resumed compares in another step: what is returned must not depend on it.
            return wanted if self._possible else one_by_one
        return wanted


def _alike(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(
        bool((found[name] - gradient).norm() <= ALIKE * gradient.norm()) for name, gradient in expected.items()
    )
