"""Smooth Tchebycheff scalarization: a smooth maximum of the task losses."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._losses import FLOOR, EpochLosses, log_losses


class STCH(api.Weighting):
    r"""The task whose loss is largest relative to its nadir weighs most, by a smooth maximum.

    X. Lin et al., "Smooth Tchebycheff scalarization for multi-objective optimization", ICML 2024,
    https://arxiv.org/abs/2402.19078, in the form of its multi-task experiments. The nadir n_k of task k is a loss that
    it should stay below:

    .. math:: L = \mu \log \sum_k \exp\Big(\frac{1}{\mu} \log \frac{L_k}{n_k}\Big), \qquad
              \nabla L = \frac{1}{K} \sum_k w_k \nabla L_k, \qquad
              w_k = \frac{K}{L_k} \, \mathrm{softmax}_k\Big(\frac{1}{\mu} \log \frac{L_k}{n_k}\Big)

    With these weights the average over tasks gives the gradient of L exactly. In the limit of mu to 0 only the worst
    task has weight; mu to infinity gives the mean of log L_k, as in the warm-up; mu = 1 minimises the logarithm of the
    sum of L_k / n_k.

    During the ``warmup`` the mean of log L_k is minimised, with w_k = 1 / L_k. The nadir is the mean loss in the last
    epoch of the warm-up, or in the first epoch after it that has an observed label of the task. Until then the task
    stays in its warm-up. The smooth maximum is over the other tasks that have an observed label in the batch. A loss
    below 1e-8 counts as 1e-8.

    It reads the task losses, and their means in the warm-up. It claims that the loss that is worst relative to its
    nadir is lowered. It equals ``gls``, up to a common factor, in the limit of mu to infinity.

    Deviations: the authors' code warms up for 5 epochs of several hundred. A run here has some ten epochs, so the
    default is 1. Their code also multiplies L by K, which makes no difference to Adam.
    """

    name, label = "stch", "STCH"

    class Params(api.Params):
        """Parameters of ``stch``."""

        mu: Annotated[float, api.search.Log(0.03, 10)] = Field(
            1.0, gt=0, description="mu, smoothness of the maximum, > 0"
        )
        warmup: Annotated[int, api.search.Choice(1, 2)] = Field(
            1, ge=1, description="epochs of warm-up; the last of them sets the nadir"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start the warm-up."""
        tasks, device = len(setting.tasks), setting.device
        self._current = EpochLosses(tasks, device)
        self._nadir = torch.full((tasks,), torch.nan, dtype=torch.float64, device=device)
        self._epochs = 0

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive for the tasks seen in the batch, 0 for the others."""
        log = log_losses(step)
        warm = (-log).exp()
        known = step.seen & ~self._nadir.isnan()
        excess = (log - self._nadir.clamp(min=FLOOR).log()) / self.params.mu
        share = torch.where(known, excess, -torch.inf).log_softmax(0)
        weights = torch.where(known, known.sum() * (share - log).exp(), warm)
        return torch.where(step.seen, weights, 0.0).to(step.losses)

    def after_step(self, step: api.Step) -> None:
        """Add the losses of the step to the mean of the epoch."""
        self._current.add(step)

    def end_epoch(self, epoch: int) -> None:
        """Set the nadir at the end of the warm-up."""
        self._epochs += 1
        mean = self._current.take()
        if self._epochs >= self.params.warmup:
            self._nadir = torch.where(self._nadir.isnan(), mean, self._nadir)

    def state_dict(self) -> dict[str, Tensor]:
        """The nadir, the number of epochs done, and the sums of the present one."""
        return {"nadir": self._nadir.clone(), "epochs": torch.tensor(self._epochs), **self._current.state_dict()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._nadir = state["nadir"].clone()
        self._epochs = int(state["epochs"])
        self._current.load_state_dict(state)
