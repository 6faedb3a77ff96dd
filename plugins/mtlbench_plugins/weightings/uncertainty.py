"""Uncertainty weighting: the noise of each task is learnt, and divides its loss."""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._learnt import TaskScalars
from mtlbench_plugins.weightings._losses import mean_losses


class Uncertainty(api.Weighting):
    r"""Each task's loss is divided by its homoscedastic uncertainty, which is learnt beside the network.

    A. Kendall, Y. Gal, R. Cipolla, "Multi-task learning using uncertainty to weigh losses for scene geometry and
    semantics", CVPR 2018, https://arxiv.org/abs/1705.07115. With s_k = log sigma_k^2:

    .. math:: \min_{\theta, s} \sum_k \tfrac{1}{2} e^{-s_k} L_k + \tfrac{1}{2} s_k, \qquad
              w_k = \tfrac{1}{2} e^{-s_k}, \qquad
              \frac{\partial}{\partial s_k} = \tfrac{1}{2} \big(1 - e^{-s_k} L_k\big)

    So s_k goes to log L_k and w_k to 1 / (2 L_k): tasks of small loss weigh more. As for every method the paper's sum
    over tasks is an average here. s is learnt as the network is, in the same steps by Adam at its learning rate, and
    so stays near ``s0`` in a run of few steps.

    For classification the paper writes e^{-s} L + s / 2. That is the same with s moved by log 2, so the form above,
    the paper's for regression, serves all tasks.
    """

    name, label = "uncertainty", "UW"

    class Params(api.Params):
        """Parameters of ``uncertainty``."""

        s0: float = Field(-0.5, ge=-20, le=20, description="s at the start, the same for every task")

    params: Params

    def setup(self, trainer: api.Trainer) -> None:
        """Start every s at ``s0``."""
        device = trainer.data.labels.device
        start = torch.full((len(trainer.schema.tasks),), self.params.s0, dtype=torch.float64, device=device)
        self._s = TaskScalars(start, trainer.learning_rate)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive."""
        return (0.5 * torch.exp(-self._s.values)).to(step.losses)

    def after_step(self, step: api.Step) -> None:
        """Move s down its gradient, at the losses that the network's step was taken at."""
        self._s.descend(0.5 * (1 - torch.exp(-self._s.values) * mean_losses(step.losses)))

    def state_dict(self) -> dict[str, Tensor]:
        """s and Adam's moments of it."""
        return self._s.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._s.load_state_dict(state)
