"""SLAW: losses are weighted by the inverse of how much they vary from step to step."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._losses import mean_losses
from mtlbench_plugins.weightings._moments import RunningMoments

LEAST = 1e-5
"""A smaller deviation of a loss counts as this. The authors do the same."""


class SLAW(api.Weighting):
    r"""A task weighs less, the more its loss varies from step to step.

    M. Crawshaw, J. Kosecka, "SLAW: scaled loss approximate weighting for efficient multi-task learning", arXiv 2021,
    https://arxiv.org/abs/2109.08218. With a_k and q_k running means of L_k and of its square:

    .. math:: w_k = K \, \frac{1 / s_k}{\sum_j 1 / s_j}, \qquad s_k = \sqrt{q_k - a_k^2}

    The deviation s_k of a loss stands for the norm of its gradient, which would cost a backward pass. The running means
    are plain ones until they have 1 / (1 - beta) steps, and exponential ones with beta from then on. The loss of the
    present batch is in them before it is weighed. The weights sum to K. Multiplying a task's loss by c divides its
    weight, relative to the others, by c; adding a constant to a loss changes nothing. A deviation below 1e-5 counts as
    1e-5.

    In small batches a loss varies by the choice of the samples more than by what the network learns. So the weights
    then follow the noise of the losses.

    A task without an observed label in the batch keeps its running means. Until a task has two steps with a label, its
    weight is 1, and K is the number of the others.

    It reads the task losses. It claims that the deviation of a loss tells the norm of its gradient, at no cost. It
    equals ``constant`` in the first step.

    Formula and default are those of the authors' code, https://github.com/mtcrawshaw/meta. The variance is computed
    without the difference of two means, so that rounding cannot make it negative.
    """

    name, label = "slaw", "SLAW"
    repairs = frozenset({"scale"})

    class Params(api.Params):
        """Parameters of ``slaw``."""

        beta: Annotated[float, api.search.Choice(0.9, 0.99, 0.999)] = Field(
            0.99, ge=0, lt=1, description="beta, share of the past in the running means, in [0, 1)"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start without a step."""
        self._moments = RunningMoments(len(setting.tasks), setting.device)
        self._steps = torch.zeros_like(self._moments.mean)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), of mean 1 over the tasks seen in the batch; 0 for the others."""
        self._steps = self._steps + step.seen
        share = torch.where(step.seen, (1 / self._steps).clamp(min=1 - self.params.beta), 0.0)
        self._moments.add(mean_losses(step), share)
        known = step.seen & (self._steps >= 2)
        inverse = torch.where(known, 1 / self._moments.variance.sqrt().clamp(min=LEAST), 0.0)
        weights = torch.where(known, known.sum() * inverse / inverse.sum(), 1.0)
        return torch.where(step.seen, weights, 0.0).to(step.losses)

    def state_dict(self) -> dict[str, Tensor]:
        """Mean and variance of each loss, and of how many steps (K,) they are."""
        return {"steps": self._steps.clone(), **self._moments.state_dict()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._steps = state["steps"].clone()
        self._moments.load_state_dict(state)
