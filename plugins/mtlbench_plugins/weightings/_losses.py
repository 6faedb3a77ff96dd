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


class BaseLosses:
    """Mean loss of each task in an early epoch, with which later losses are compared.

    Args:
        tasks: K.
        device: of the losses.
        epoch: number of that epoch, from 1. A task without an observed label in it has the first later one instead.
    """

    def __init__(self, tasks: int, device: torch.device, epoch: int) -> None:
        self.values = torch.full((tasks,), torch.nan, dtype=torch.float64, device=device)
        """(K,) float64, NaN of a task without a base so far."""
        self.epochs = 0
        """Epochs completed."""
        self._epoch = epoch
        self._current = EpochLosses(tasks, device)

    def add(self, step: api.Step) -> None:
        """Add the samples of a step."""
        self._current.add(step)

    def end_epoch(self) -> None:
        """Set the bases, if this epoch gives them."""
        self.epochs += 1
        mean = self._current.take()
        if self.epochs >= self._epoch:
            self.values = torch.where(self.values.isnan(), mean, self.values)

    def state_dict(self) -> dict[str, Tensor]:
        """Copies of the bases, of the number of epochs done, and of the sums of the present one."""
        return {"base": self.values.clone(), "epochs": torch.tensor(self.epochs), **self._current.state_dict()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self.values = state["base"].clone()
        self.epochs = int(state["epochs"])
        self._current.load_state_dict(state)
