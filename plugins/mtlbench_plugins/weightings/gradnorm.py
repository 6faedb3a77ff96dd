"""GradNorm: weights are learnt so that tasks train at similar rates."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench.api.masks import masked_mean
from mtlbench_plugins.weightings._learnt import adam_step
from mtlbench_plugins.weightings._losses import mean_losses

FLOOR = 1e-3
"""Smallest weight before the weights are scaled to sum K. Without it a step of the weights could pass 0."""
TINY = 1e-12


class GradNorm(api.Weighting):
    r"""Weights are learnt that bring all weighted gradients to a common norm, larger for tasks that learn more slowly.

    Z. Chen et al., "GradNorm: gradient normalization for adaptive loss balancing in deep multitask networks", ICML
    2018, https://arxiv.org/abs/1711.02257. With G_k = w_k \|g_k\| and L_k(t) the loss in step t:

    .. math:: r_k = \frac{L_k(t) / L_k(0)}{\frac{1}{K} \sum_j L_j(t) / L_j(0)}, \qquad
              L_{\mathrm{grad}}(w) = \sum_k \Big| G_k - r_k^\alpha \, \frac{1}{K} \sum_j G_j \Big|

    w descends L_grad by Adam; the means in L_grad count as constants. Then w is scaled to sum K. A step is taken with
    the weights from before this update, the first step with ones.

    It reads the norms of the task gradients and the task losses. It claims that the tasks learn at similar rates.

    Deviations: the norms are those of all shared parameters; the paper takes the last shared layer only, to save time.
    A weight is at least 1e-3 before scaling. L_k(0) is the loss of the first batch, as in the paper, and counts as at
    least 1e-12. Of tasks with unobserved labels it is that of the first batch that has a label. The weight of a task
    that the batch has no label of stays as it is; means and scaling are over the others.
    """

    name, label = "gradnorm", "GradNorm"
    repairs = frozenset({"pace", "scale"})
    harmed_on = frozenset({"anime", "complete-journey", "kuairand-tuned"})
    needs = frozenset({"gram"})

    class Params(api.GradientParams):
        """Parameters of ``gradnorm``."""

        alpha: Annotated[float, api.search.Linear(0, 3)] = Field(
            1.5, ge=0, description="alpha, how strongly slow tasks are favoured, >= 0"
        )
        learning_rate: Annotated[float, api.search.Log(1e-3, 0.1)] = Field(
            0.025, gt=0, description="Adam's learning rate of the weights"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start from weights of ones."""
        self._weights = torch.ones(len(setting.tasks), dtype=torch.float64)
        self._adam = torch.optim.Adam([self._weights], self.params.learning_rate)
        self._first = torch.full_like(self._weights, torch.nan)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive, of sum K."""
        norms, seen = step.gram.diagonal().sqrt().cpu(), step.seen.cpu()
        losses = mean_losses(step).cpu()
        self._first = torch.where(seen & self._first.isnan(), losses.clamp(min=TINY), self._first)
        applied = self._weights.clone()
        sizes = applied * norms
        rates = losses / self._first
        rates /= masked_mean(rates, seen).clamp(min=TINY)
        gradient = (sizes - masked_mean(sizes, seen) * rates**self.params.alpha).sign() * norms
        adam_step(self._adam, self._weights, gradient, seen)
        self._weights.clamp_(min=FLOOR)
        kept, moved = (torch.where(of, self._weights, 0.0).sum() for of in (~seen, seen))
        self._weights *= torch.where(seen, (len(applied) - kept) / moved, 1.0)
        return applied.to(step.losses)

    def state_dict(self) -> dict[str, Tensor]:
        """The weights, Adam's moments of them, and the first losses, NaN where there are none yet."""
        state = {"weights": self._weights, "first": self._first, **self._adam.state[self._weights]}
        return {name: value.clone() for name, value in state.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        moments = {name: value.clone() for name, value in state.items()}
        self._weights.copy_(moments.pop("weights"))
        self._first = moments.pop("first")
        self._adam.state[self._weights] = moments
