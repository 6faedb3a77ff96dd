"""CoV-Weighting: a task weighs by how much its loss still varies, relative to the loss's own size."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._losses import FLOOR, mean_losses
from mtlbench_plugins.weightings._moments import RunningMoments

ADDED = 1e-8
"""Added to the variance of a ratio, by the authors too. So losses that never change have equal weights."""


class CoV(api.Weighting):
    r"""A task weighs more, the more its loss still varies relative to its own size.

    R. Groenendijk et al., "Multi-loss weighting with coefficient of variations", WACV 2021,
    https://arxiv.org/abs/2009.01717. With l the ratio of a loss to its mean over all steps before:

    .. math:: w_k = K \, \frac{c_k}{\sum_j c_j}, \qquad
              c_k = \frac{\sqrt{\mathrm{var}(l_k) + 10^{-8}}}{\mathrm{mean}(l_k)}, \qquad
              l_{k,t} = \frac{L_{k,t}}{\mathrm{mean}(L_{k,1}, \dots, L_{k,t-1})}

    Mean and variance of the ratios are over the steps before the present one. The ratio of the first step is 1. The
    weights sum to K. Multiplying a task's loss by a constant changes nothing. With ``decay`` the means and the variance
    are exponential ones, from the second step on, with that share of the past. A loss below 1e-8 counts as 1e-8.

    A task without an observed label in the batch keeps its means. Until a task has two earlier steps with a label, its
    weight is 1, and K is the number of the others.

    It reads the task losses. It claims that a loss deserves weight as long as it still varies. It equals ``constant``
    in the first two steps, and where no loss changes.

    Deviations: formula and default are those of the authors' code, https://github.com/rickgroen/cov-weighting. With a
    decay that code goes on to sum the squares of the ratios' differences without it; here the decay is in the variance
    too. The paper's weights sum to 1.
    """

    name, label = "cov", "CoV-Weighting"

    class Params(api.Params):
        """Parameters of ``cov``."""

        decay: Annotated[float | None, api.search.Choice(None, 0.9, 0.99, 0.999)] = Field(
            None, ge=0, lt=1, description="share of the past in the means, in [0, 1); none: all steps count the same"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start without a step."""
        tasks, device = len(setting.tasks), setting.device
        self._ratios = RunningMoments(tasks, device)
        self._mean_loss, self._steps = torch.zeros_like(self._ratios.mean), torch.zeros_like(self._ratios.mean)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), of mean 1 over the tasks seen in the batch; 0 for the others."""
        known = step.seen & (self._steps >= 2)
        variation = torch.where(known, (self._ratios.variance + ADDED).sqrt() / self._ratios.mean, 0.0)
        weights = torch.where(known, known.sum() * variation / variation.sum(), 1.0)
        return torch.where(step.seen, weights, 0.0).to(step.losses)

    def after_step(self, step: api.Step) -> None:
        """Add the losses of the step to the means."""
        losses = mean_losses(step).clamp(min=FLOOR)
        ratios = torch.where(self._steps > 0, losses / self._mean_loss, 1.0)
        self._steps = self._steps + step.seen
        share = 1 / self._steps
        if self.params.decay is not None:
            share = torch.where(self._steps > 1, 1 - self.params.decay, share)
        share = torch.where(step.seen, share, 0.0)
        self._mean_loss = self._mean_loss.lerp(losses, share)
        self._ratios.add(ratios, share)

    def state_dict(self) -> dict[str, Tensor]:
        """Mean loss, mean and variance of the ratios, and of how many steps (K,) they are."""
        own = {"steps": self._steps.clone(), "mean_loss": self._mean_loss.clone()}
        return {**own, **self._ratios.state_dict()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._steps, self._mean_loss = state["steps"].clone(), state["mean_loss"].clone()
        self._ratios.load_state_dict(state)
