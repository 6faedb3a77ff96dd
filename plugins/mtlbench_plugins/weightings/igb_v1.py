"""IGB v1: a task that has improved least since an early epoch weighs more."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._losses import FLOOR, BaseLosses, log_losses


class IGBv1(api.Weighting):
    r"""Logarithms of the losses are weighted by how much of its early loss each task still has.

    Y. Dai, N. Fei, Z. Lu, "Improvable gap balancing for multi-task learning", UAI 2023,
    https://arxiv.org/abs/2307.15429, its first method. The improvable gap of a task is the distance between its present
    training progress and the final one that is wanted. It is measured by the loss relative to a base b_k, the task's
    mean training loss of an early epoch:

    .. math:: L = \sum_k \omega_k \log L_k, \qquad
              \omega = K \, \mathrm{softmax}\Big(\frac{L_k}{b_k}\Big), \qquad
              w_k = \frac{\omega_k}{L_k}

    The omega are constants in the gradient of L. With the weights w_k the average over tasks gives the gradient of L,
    divided by K. Until the base is known omega is 1, and the mean of log L_k is minimised. At L = b omega is 1 too.
    Multiplying a task's loss by a constant changes nothing in the direction.

    The base is that of the epoch ``base_epoch``, or of the first epoch after it that has an observed label of the task.
    Until then the task has w_k = 1 / L_k. The softmax is over the other tasks that have an observed label in the batch,
    and K is their number. A loss below 1e-8 counts as 1e-8.

    It reads the task losses, and their means in an early epoch. It claims that a task with more left to improve
    improves faster. It equals ``stch`` with mu = 1 to first order in log(L_k / b_k).

    The default of the authors' code, https://github.com/YanqiDai/IGB4MTL, is the second epoch. So a run that early
    stopping ends within two epochs minimises the mean of log L_k.
    """

    name, label = "igb-v1", "IGB-v1"
    repairs = frozenset({"pace", "scale"})

    class Params(api.Params):
        """Parameters of ``igb-v1``."""

        base_epoch: Annotated[int, api.search.Choice(1, 2, 3)] = Field(
            2, ge=1, description="number of the epoch, from 1, whose mean losses are the base"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start without a base."""
        self._base = BaseLosses(len(setting.tasks), setting.device, self.params.base_epoch)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive for the tasks seen in the batch, 0 for the others."""
        log = log_losses(step)
        known = step.seen & ~self._base.values.isnan()
        ratio = (log - self._base.values.clamp(min=FLOOR).log()).exp()
        share = torch.where(known, ratio, -torch.inf).log_softmax(0)
        weights = torch.where(known, known.sum() * (share - log).exp(), (-log).exp())
        return torch.where(step.seen, weights, 0.0).to(step.losses)

    def after_step(self, step: api.Step) -> None:
        """Add the losses of the step to the mean of the epoch."""
        self._base.add(step)

    def end_epoch(self, epoch: int) -> None:
        """Set the base at the end of its epoch."""
        self._base.end_epoch()

    def state_dict(self) -> dict[str, Tensor]:
        """The base, the number of epochs done, and the sums of the present one."""
        return self._base.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._base.load_state_dict(state)
