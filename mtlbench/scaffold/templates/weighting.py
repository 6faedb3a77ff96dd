"""Template Weighting: put your method in the place of this one, its docstring first."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api

SMALLEST_LOSS = 1e-8
"""A loss of 0 is nothing to divide by."""


class TemplateWeighting(api.Weighting):
    r"""A task weighs less the more its loss has fallen since the epoch began.

    S. Liu, Y. Liang and A. Gitter, "Loss-balanced task weighting to reduce negative transfer in multi-task learning",
    AAAI 2019, https://doi.org/10.1609/aaai.v33i01.33019977:

    .. math:: w_k = \Big(\frac{L_k}{L_k^{(0)}}\Big)^{\alpha}

    with L_k the mean loss of task k in this step and L_k^(0) that in the first step of the epoch with a label of k.
    """

    name, label = "template-weighting", "Template Weighting"

    class Params(api.Params):
        """Parameters of ``template-weighting``."""

        # What trials search: --trials draws alpha from 0 to 2.
        alpha: Annotated[float, api.search.Linear(0, 2)] = Field(
            0.5, ge=0, description="alpha, exponent of the ratio, >= 0; 0 is constant weighting"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Begin without a first loss."""
        self._first = torch.full((len(setting.tasks),), torch.nan, device=setting.device)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), ones in the first step of an epoch and of tasks that the batch has no label of."""
        losses = step.task_losses.detach().clamp(min=SMALLEST_LOSS)
        self._first = torch.where(step.seen & self._first.isnan(), losses, self._first)
        return torch.where(step.seen, (losses / self._first) ** self.params.alpha, 1.0)

    def end_epoch(self, epoch: int) -> None:
        """The next epoch has a first step of its own."""
        self._first = torch.full_like(self._first, torch.nan)

    def state_dict(self) -> dict[str, Tensor]:
        """The first losses of the epoch, NaN where there are none yet."""
        return {"first": self._first}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._first = state["first"]
