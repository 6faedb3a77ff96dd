"""IMTL-L: the part of impartial multi-task learning that balances losses."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._learnt import TaskScalars
from mtlbench_plugins.weightings._losses import mean_losses


class IMTLL(api.Weighting):
    r"""Each task's loss is scaled by a learnt factor that brings all scaled losses to 1.

    L. Liu et al., "Towards impartial multi-task learning", ICLR 2021, https://openreview.net/forum?id=IMPnRXEWpvr:

    .. math:: \min_{\theta, s} \sum_k e^{s_k} L_k - s_k, \qquad w_k = e^{s_k}, \qquad
              \frac{\partial}{\partial s_k} = e^{s_k} L_k - 1

    So s_k goes to -log L_k and w_k to 1 / L_k, whatever the scale of the losses. The paper sums over tasks; here they
    are averaged, as for every method. s is learnt in the same steps as the network, by Adam at the network's learning
    rate. In a run of few steps it therefore stays near ``s0``. The paper's balance of gradients is another method,
    ``imtl-g``.

    It reads the task losses. It claims that the scaled losses of all tasks are equal in the end. It equals
    ``uncertainty`` up to a factor of 2, once both have learnt their s.
    """

    name, label = "imtl-l", "IMTL-L"
    repairs = frozenset({"scale"})

    class Params(api.Params):
        """Parameters of ``imtl-l``."""

        s0: Annotated[float, api.search.Linear(-1, 3)] = Field(
            0.0, ge=-20, le=20, description="s at the start, the same for every task"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start every s at ``s0``."""
        start = torch.full((len(setting.tasks),), self.params.s0, dtype=torch.float64, device=setting.device)
        self._s = TaskScalars(start, setting.learning_rate)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), positive."""
        return self._s.values.exp().to(step.losses)

    def after_step(self, step: api.Step) -> None:
        """Move s down its gradient, at the losses from which the network took its step."""
        self._s.descend(self._s.values.exp() * mean_losses(step) - 1, step.seen)

    def state_dict(self) -> dict[str, Tensor]:
        """s and Adam's moments of it."""
        return self._s.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._s.load_state_dict(state)
