"""CoV-Weighting: the coefficient of variation of a task's loss is its weight."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mtlbench import api

SMALLEST_LOSS = 1e-12
"""A smaller loss counts as this, because losses are divided by their mean."""


class CovWeighting(api.Weighting):
    r"""A task weighs more if its loss still varies, relative to the size of the loss.

    R. Groenendijk, S. Karaoglu, T. Gevers and T. Mensink, "Multi-loss weighting with coefficient of variations", WACV
    2021, https://arxiv.org/abs/2009.01717. With l the ratio of a loss to its mean over all steps before:

    .. math:: w_k = K \, \frac{c_k}{\sum_j c_j}, \qquad c_k = \frac{\sigma_{l_k}}{\mu_{l_k}}, \qquad
              l_{k,t} = \frac{L_{k,t}}{\mu_{L_k,t-1}}

    Means and standard deviations are over all steps so far that have a label of the task, updated step by step
    (Welford's algorithm). A task whose loss no longer changes weighs 0. The first step has no mean before it, and its
    ratio is 1. The weights are ones until the ratios vary.

    The paper's weights sum to 1. Here they sum to K, so that weights of one give the plain average of the task losses,
    as for every method.
    """

    name, label = "cov-weighting", "CoV-Weighting"

    def setup(self, setting: api.Setting) -> None:
        """Begin with no step seen."""
        tasks, device = len(setting.tasks), setting.device
        self._steps = torch.zeros(tasks, dtype=torch.float64, device=device)
        self._mean_loss = torch.zeros(tasks, dtype=torch.float64, device=device)
        self._mean_ratio = torch.zeros(tasks, dtype=torch.float64, device=device)
        self._variance = torch.zeros(tasks, dtype=torch.float64, device=device)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,) that sum to the number K of the tasks that the batch has a label of, 0 for the others."""
        losses = step.task_losses.detach().double().clamp(min=SMALLEST_LOSS)
        ratio = torch.where(self._steps > 0, losses / self._mean_loss, 1.0)
        self._steps = self._steps + step.seen
        # A share of 0 leaves the statistics of a task that is not seen as they were.
        share = torch.where(step.seen, 1 / self._steps, 0.0)
        before = self._mean_ratio
        self._mean_loss = torch.lerp(self._mean_loss, losses, share)
        self._mean_ratio = torch.lerp(before, ratio, share)
        self._variance = torch.lerp(self._variance, (ratio - before) * (ratio - self._mean_ratio), share)
        variation = torch.where(step.seen, self._variance.sqrt() / self._mean_ratio, 0.0)
        if not variation.any():
            return api.ones(step)
        return (step.seen.sum() * variation / variation.sum()).to(step.losses.dtype)

    def state_dict(self) -> dict[str, Tensor]:
        """The running statistics."""
        return {
            "steps": self._steps,
            "mean_loss": self._mean_loss,
            "mean_ratio": self._mean_ratio,
            "variance": self._variance,
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._steps, self._mean_loss = state["steps"], state["mean_loss"]
        self._mean_ratio, self._variance = state["mean_ratio"], state["variance"]
