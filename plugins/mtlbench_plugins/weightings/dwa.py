"""Dynamic weight average: tasks whose loss falls slowly weigh more."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._losses import FLOOR, EpochLosses
from mtlbench_plugins.weightings._seen import softmax


class DWA(api.Weighting):
    r"""A task's weight in an epoch depends on how fast its loss fell between the two epochs before.

    S. Liu, E. Johns, A. Davison, "End-to-end multi-task learning with attention", CVPR 2019,
    https://arxiv.org/abs/1803.10704. With L_k(e) the mean training loss of epoch e:

    .. math:: r_k = \frac{L_k(e-1)}{L_k(e-2)}, \qquad
              w_k = K \, \frac{\exp(r_k / T)}{\sum_j \exp(r_j / T)}

    The weights sum to K, as in the paper. They are ones where all ratios are equal, in the limit of T to infinity, and
    in the first two epochs, which have no ratio yet and may be the whole run. A loss below 1e-8 counts as 1e-8 in the
    ratio. An epoch without an observed label of a task is left out of that task's losses. A task without a ratio has
    weight 1, and K is the number of the others.

    It reads the mean loss of each task in the last two epochs. It claims that a task whose loss falls slowly catches
    up. It equals ``constant`` in the first two epochs.
    """

    name, label = "dwa", "DWA"
    repairs = frozenset({"pace"})

    class Params(api.Params):
        """Parameters of ``dwa``."""

        temperature: Annotated[float, api.search.Log(0.1, 10)] = Field(
            2.0, gt=0, description="T, > 0; the larger, the closer the weights to one"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start without past epochs."""
        tasks, device = len(setting.tasks), setting.device
        self._current = EpochLosses(tasks, device)
        self._past = torch.full((2, tasks), torch.nan, dtype=torch.float64, device=device)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,) that sum to K, the same throughout an epoch."""
        before, last = self._past.clamp(min=FLOOR)
        known = ~before.isnan()
        weights = known.sum() * softmax(last / before / self.params.temperature, known)
        return torch.where(known, weights, 1.0).to(step.losses)

    def after_step(self, step: api.Step) -> None:
        """Add the losses of the step to the mean of the epoch."""
        self._current.add(step)

    def end_epoch(self, epoch: int) -> None:
        """Keep the mean losses of the last two epochs."""
        mean = self._current.take()
        self._past = torch.where(mean.isnan(), self._past, torch.stack([self._past[1], mean]))

    def state_dict(self) -> dict[str, Tensor]:
        """The mean losses of the last two epochs, NaN where there are none yet, and the sums of the present one."""
        return {"past": self._past.clone(), **self._current.state_dict()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._past = state["past"].clone()
        self._current.load_state_dict(state)
