"""The task losses as the weightings here read them: means in float64, detached from the autograd graph."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mtlbench import api
from mtlbench.api.masks import masked_mean

FLOOR = 1e-8
"""A smaller task loss counts as this where its logarithm is taken. The authors of FAMO do the same."""


def mean_losses(losses: Tensor, observed: Tensor | None) -> Tensor:
    """Mean (K,) of each task's ``losses`` (B, K) over its ``observed`` rows, float64; 0 where it has none."""
    return masked_mean(losses.detach().double(), observed)


def log_losses(losses: Tensor, observed: Tensor | None) -> Tensor:
    """Logarithm (K,) of each task's mean loss, taken as at least ``FLOOR``; NaN where the mean is NaN."""
    return mean_losses(losses, observed).clamp(min=FLOOR).log()


class EpochLosses:
    """Mean loss of each task over its observed samples of an epoch.

    Args:
        tasks: K.
        device: of the losses.
    """

    def __init__(self, tasks: int, device: torch.device) -> None:
        self._sum = torch.zeros(tasks, dtype=torch.float64, device=device)
        self._rows = torch.zeros(tasks, dtype=torch.int64, device=device)

    def add(self, step: api.Step) -> None:
        """Add the samples of a step."""
        self._sum += step.losses.detach().double().sum(0)
        self._rows += step.observed.sum(0)

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
