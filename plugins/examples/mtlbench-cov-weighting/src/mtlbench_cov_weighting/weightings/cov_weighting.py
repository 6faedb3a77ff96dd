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

    Means and standard deviations are over all steps so far, updated step by step (Welford's algorithm). A task whose
    loss no longer changes weighs 0. The first step has no mean before it, and its ratio is 1. The weights are ones
    until the ratios vary.

    The paper's weights sum to 1. Here they sum to K, so that weights of one give the plain average of the task losses,
    as for every method.
    """

    name, label = "cov-weighting", "CoV-Weighting"

    def setup(self, trainer: api.Trainer) -> None:
        """Begin with no step seen."""
        tasks, device = len(trainer.schema.tasks), trainer.data.labels.device
        self._steps = torch.zeros((), dtype=torch.float64, device=device)
        self._mean_loss = torch.zeros(tasks, dtype=torch.float64, device=device)
        self._mean_ratio = torch.zeros(tasks, dtype=torch.float64, device=device)
        self._variance = torch.zeros(tasks, dtype=torch.float64, device=device)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,) that sum to K."""
        losses = step.losses.detach().double().mean(0).clamp(min=SMALLEST_LOSS)
        ratio = losses / self._mean_loss if self._steps > 0 else torch.ones_like(losses)
        self._steps = self._steps + 1
        share = 1 / self._steps
        before = self._mean_ratio
        self._mean_loss = torch.lerp(self._mean_loss, losses, share)
        self._mean_ratio = torch.lerp(before, ratio, share)
        self._variance = torch.lerp(self._variance, (ratio - before) * (ratio - self._mean_ratio), share)
        variation = self._variance.sqrt() / self._mean_ratio
        if not variation.any():
            return api.ones(step)
        return (len(losses) * variation / variation.sum()).to(step.losses.dtype)

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
