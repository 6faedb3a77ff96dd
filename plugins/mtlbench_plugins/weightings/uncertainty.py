"""Uncertainty weighting: the loss of each task is divided by the variance of its noise, which is learnt."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._learnt import TaskScalars
from mtlbench_plugins.weightings._losses import mean_losses


class Uncertainty(api.Weighting):
    r"""Each task's loss is divided by the variance of its noise, which is learnt together with the network.

    A. Kendall, Y. Gal, R. Cipolla, "Multi-task learning using uncertainty to weigh losses for scene geometry and
    semantics", CVPR 2018, https://arxiv.org/abs/1705.07115. With s_k = log sigma_k^2, the homoscedastic uncertainty:

    .. math:: \min_{\theta, s} \sum_k \tfrac{1}{2} e^{-s_k} L_k + \tfrac{1}{2} s_k, \qquad
              w_k = \tfrac{1}{2} e^{-s_k}, \qquad
              \frac{\partial}{\partial s_k} = \tfrac{1}{2} \big(1 - e^{-s_k} L_k\big)

    So s_k goes to log L_k and w_k to 1 / (2 L_k): tasks with a small loss weigh more. The paper sums over tasks; here
    they are averaged, as for every method. s is learnt in the same steps as the network, by Adam at the network's
    learning rate. In a run of few steps it therefore stays near ``s0``.

    It reads the task losses. It claims that the noise of a task, which sets its weight, can be learnt. It equals
    ``imtl-l`` up to a factor of 2, once both have learnt their s.

    For classification the paper writes e^{-s} L + s / 2. That is the same with s moved by log 2. So all tasks use the
    form above, which the paper has for regression.
    """

    name, label = "uncertainty", "UW"
    repairs = frozenset({"scale"})

    class Params(api.Params):
        """Parameters of ``uncertainty``."""

        s0: Annotated[float, api.search.Linear(-3, 3)] = Field(
            -0.5, ge=-20, le=20, description="s at the start, the same for every task"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start every s at ``s0``."""
        start = torch.full((len(setting.tasks),), self.params.s0, dtype=torch.float64, device=setting.device)
        self._s = TaskScalars(start, setting.learning_rate)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive."""
        return (0.5 * torch.exp(-self._s.values)).to(step.losses)

    def after_step(self, step: api.Step) -> None:
        """Move s down its gradient, at the losses from which the network took its step."""
        gradient = 0.5 * (1 - torch.exp(-self._s.values) * mean_losses(step))
        self._s.descend(gradient, step.seen)

    def state_dict(self) -> dict[str, Tensor]:
        """s and Adam's moments of it."""
        return self._s.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._s.load_state_dict(state)
