"""FAMO: a task whose loss fell least in the last step weighs more in the next."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._learnt import TaskScalars
from mtlbench_plugins.weightings._losses import log_losses
from mtlbench_plugins.weightings._seen import softmax


class FAMO(api.Weighting):
    r"""All losses are lowered at the same relative rate; the weights learn from how each step changed the losses.

    B. Liu et al., "FAMO: fast adaptive multitask optimization", NeurIPS 2023, https://arxiv.org/abs/2306.03792. With
    task logits xi, 0 at the start, and losses L before and L' after a step, on the same samples and dropout masks:

    .. math:: z = \mathrm{softmax}(\xi), \qquad
              w_k = K \, \frac{z_k / L_k}{\sum_j z_j / L_j}, \qquad
              \delta_k = \log L_k - \log L'_k, \qquad
              \nabla_\xi = z \odot (\delta - z \cdot \delta)

    xi descends that gradient by Adam with L2 decay. So the logit of a task falls if the task gained more than the
    others. The paper's direction is a weighted average of the task gradients, with weights of sum 1. Here the weights
    sum to K, so that the average over tasks is exactly that direction. The lowest loss that a task can reach is taken
    as 0. A loss below 1e-8 counts as 1e-8. Both softmaxes are over the tasks that have an observed label in the batch;
    the logits of the others stay.

    It reads the losses before and after each step, on the same samples. The second reading costs one more forward pass.
    It claims that all losses fall at the same relative rate, without a gradient of each task.

    The default decay is that of the authors for QM9; for CelebA, and by default, their code has 0.01. Their code also
    clips the norm of the shared gradient at 1, which is not part of the method.
    """

    name, label = "famo", "FAMO"
    repairs = frozenset({"pace", "scale"})
    shown_on = frozenset({"hotel-bookings", "phase"})
    needs = frozenset({"post-step losses"})

    class Params(api.Params):
        """Parameters of ``famo``."""

        learning_rate: Annotated[float, api.search.Log(1e-3, 0.1)] = Field(
            0.025, gt=0, description="Adam's learning rate of the task logits"
        )
        weight_decay: Annotated[float, api.search.Log(1e-5, 1e-2)] = Field(
            1e-3, ge=0, description="L2 decay of the task logits inside Adam"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start with the same logit for each task."""
        self._setting = setting
        start = torch.zeros(len(setting.tasks), dtype=torch.float64, device=setting.device)
        self._logits = TaskScalars(start, self.params.learning_rate, self.params.weight_decay)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), of mean 1 over the tasks seen in the batch and positive there; 0 for the others."""
        shares = softmax(self._logits.values - log_losses(step), step.seen)
        return (step.seen.sum() * shares).to(step.losses)

    def after_step(self, step: api.Step) -> None:
        """Move the logits by how the step changed the losses."""
        gain = log_losses(step) - log_losses(step, self._setting.losses(step))
        z = softmax(self._logits.values, step.seen)
        self._logits.descend(z * (gain - z @ gain), step.seen)

    def state_dict(self) -> dict[str, Tensor]:
        """The logits and Adam's moments of them."""
        return self._logits.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._logits.load_state_dict(state)
