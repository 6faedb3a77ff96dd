"""Smooth Tchebycheff scalarization: a smooth maximum of the task losses."""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._losses import FLOOR, EpochLosses, log_losses


class STCH(api.Weighting):
    r"""The task that is worst relative to its nadir is descended, smoothly.

    X. Lin et al., "Smooth Tchebycheff scalarization for multi-objective optimization", ICML 2024,
    https://arxiv.org/abs/2402.19078, in the form of its multi-task experiments, with n_k the nadir of task k:

    .. math:: L = \mu \log \sum_k \exp\Big(\frac{1}{\mu} \log \frac{L_k}{n_k}\Big), \qquad
              \nabla L = \frac{1}{K} \sum_k w_k \nabla L_k, \qquad
              w_k = \frac{K}{L_k} \, \mathrm{softmax}_k\Big(\frac{1}{\mu} \log \frac{L_k}{n_k}\Big)

    Under the average over tasks these weights give the gradient of L exactly. mu to 0 leaves the worst task alone, mu
    to infinity is the warm-up's mean of log L_k; mu = 1 descends the sum of L_k / n_k, in logarithm.

    During the ``warmup`` the mean of log L_k is descended, w_k = 1 / L_k. The nadir is the mean loss of the warm-up's
    last epoch. A loss below 1e-8 counts as 1e-8.

    Deviations: the authors' code warms up for 5 epochs of several hundred; here, where a run has some ten epochs, for
    1. It also multiplies L by K, which Adam does not notice.
    """

    name, label = "stch", "STCH"

    class Params(api.Params):
        """Parameters of ``stch``."""

        mu: float = Field(1.0, gt=0, description="mu, smoothness of the maximum, > 0")
        warmup: int = Field(1, ge=1, description="epochs of warm-up; the last of them sets the nadir")

    params: Params

    def setup(self, trainer: api.Trainer) -> None:
        """Start the warm-up."""
        tasks, device = len(trainer.schema.tasks), trainer.data.labels.device
        self._current = EpochLosses(tasks, device)
        self._nadir = torch.full((tasks,), torch.nan, dtype=torch.float64, device=device)
        self._epochs = 0

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive."""
        log = log_losses(step.losses)
        if self._epochs < self.params.warmup:
            return (-log).exp().to(step.losses)
        excess = (log - self._nadir.clamp(min=FLOOR).log()) / self.params.mu
        return (len(log) * (excess.log_softmax(0) - log).exp()).to(step.losses)

    def after_step(self, step: api.Step) -> None:
        """Count the step's losses into the epoch's mean."""
        self._current.add(step)

    def end_epoch(self, epoch: int) -> None:
        """Set the nadir at the end of the warm-up."""
        self._epochs += 1
        mean = self._current.take()
        if self._epochs == self.params.warmup:
            self._nadir = mean

    def state_dict(self) -> dict[str, Tensor]:
        """The nadir, the epochs done, and the sums of the running one."""
        return {"nadir": self._nadir.clone(), "epochs": torch.tensor(self._epochs), **self._current.state_dict()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._nadir = state["nadir"].clone()
        self._epochs = int(state["epochs"])
        self._current.load_state_dict(state)
