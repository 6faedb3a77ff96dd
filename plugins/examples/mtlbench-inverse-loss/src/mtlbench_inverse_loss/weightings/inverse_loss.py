"""An example of a weighting: the smaller the loss of a task has been, the more the task weighs."""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api

SMALLEST = 1e-8
"""A smaller mean loss counts as this, because weights are divided by it."""


class InverseLoss(api.Weighting):
    r"""A task weighs by the inverse of the running mean of its loss.

    This is an example of how a weighting is written, and no published method. L. Kirchdorfer et al., "Analytical
    uncertainty-based loss weighting in multi-task learning", GCPR 2024, https://arxiv.org/abs/2408.07985, derive
    weights in proportion to 1 / L_k. Here a running mean takes the place of L_k:

    .. math:: w_k = K \, \frac{1 / m_k}{\sum_j 1 / m_j}, \qquad m_k \leftarrow \beta \, m_k + (1 - \beta) \, L_k

    The mean of a task begins with its first loss.
    """

    name, label = "inverse-loss", "Inverse Loss"

    class Params(api.Params):
        """Parameters of ``inverse-loss``."""

        beta: float = Field(0.99, ge=0, lt=1, description="beta, memory of the running means, in [0, 1)")

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start without means."""
        self._means = torch.full((len(setting.tasks),), torch.nan, dtype=torch.float64, device=setting.device)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,) that sum to the number of the tasks that the batch has a label of."""
        losses, seen = step.task_losses.detach().double(), step.seen
        means = torch.where(self._means.isnan(), losses, torch.lerp(losses, self._means, self.params.beta))
        self._means = torch.where(seen, means, self._means)
        inverse = torch.where(seen, 1 / self._means.clamp(min=SMALLEST), 0)
        return (seen.sum() * inverse / inverse.sum().clamp(min=SMALLEST)).to(step.losses.dtype)

    def state_dict(self) -> dict[str, Tensor]:
        """The running means."""
        return {"means": self._means}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back the running means."""
        self._means = state["means"]
