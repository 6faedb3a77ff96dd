"""The task losses as the weightings here read them: means in float64, detached from the autograd graph."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mtlbench import api

FLOOR = 1e-8
"""A smaller task loss counts as this where its logarithm is taken. The authors of FAMO do the same."""


def mean_losses(step: api.Step, losses: Tensor | None = None) -> Tensor:
    """Task losses (K,) of a step, float64, or the means of other ``losses`` (B, K) of its samples; 0 where a task has
    no observed one."""
    return step.task_means((step.losses if losses is None else losses).detach().double())


def log_losses(step: api.Step, losses: Tensor | None = None) -> Tensor:
    """Logarithm (K,) of :func:`mean_losses`, each taken as at least ``FLOOR``; NaN where the mean is NaN."""
    return mean_losses(step, losses).clamp(min=FLOOR).log()


class EpochLosses:
    """Mean loss of each task over its observed samples of an epoch, by their weights.

    Args:
        tasks: K.
        device: of the losses.
    """

    def __init__(self, tasks: int, device: torch.device) -> None:
        self._sum = torch.zeros(tasks, dtype=torch.float64, device=device)
        self._rows = torch.zeros_like(self._sum)

    def add(self, step: api.Step) -> None:
        """Add the samples of a step."""
        counts = step.counts.double()
        self._sum += (counts * step.losses.detach()).sum(0)
        self._rows += counts.sum(0)

    def take(self) -> Tensor:
        """Mean losses (K,) over the samples since the last call; NaN of a task without any."""
        mean = self._sum / self._rows
        self._sum.zero_()
        self._rows.zero_()
        return mean

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the sums so far."""
        return {"sum": self._sum.clone(), "rows": self._rows.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self._sum.copy_(state["sum"])
        self._rows.copy_(state["rows"])
