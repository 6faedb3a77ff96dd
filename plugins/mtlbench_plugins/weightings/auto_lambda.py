"""Auto-Lambda: a task weighs more if a step on it would lower the target tasks' losses on a second batch."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._learnt import TaskScalars
from mtlbench_plugins.weightings._target import foreign_target

FLOOR = 0.01
"""Least weight. The authors' lambda may become negative."""


class AutoLambda(api.Weighting):
    r"""The weights learn from which tasks lower the losses of the target tasks on a second training batch.

    S. Liu et al., "Auto-Lambda: disentangling dynamic task relationships", TMLR 2022,
    https://arxiv.org/abs/2202.03091, as in the authors' code, https://github.com/lorenmt/auto-lambda. Before each step
    a plain step of the network is tried, with its learning rate a, all its parameters theta, and the gradients g_k of
    the tasks. L^V are losses on a second batch V:

    .. math:: \theta' = \theta - \frac{a}{K} \sum_k w_k g_k, \qquad
              v = \nabla_{\theta'} \sum_{k \in \mathrm{targets}} L^V_k(\theta'), \qquad
              \nabla_{w_k} = -a \, g_k \cdot v

    w descends that gradient by Adam, and the step is then taken under the new w. So a task whose gradient agrees with
    that of the targets on other rows gains weight. The weights begin at 1, and none falls below 0.01. By default all
    tasks are targets. With one target the others are weighed by how much they help it.

    It reads a second training batch, and what the losses would be after a step.
    It claims that a task weighs as much as it helps the targets on rows that it was not trained on in that step.
    It equals ``constant`` with a learning rate of 0.

    V is the batch of the same number in another order of the epoch, and its rows count in the budget; the authors read
    theirs from a second loader of the training data. A task without an observed label in the batch keeps its weight,
    and so do all tasks where v is 0. Embedding tables are updated whole, because the two batches read different rows.

    The products g_k . v are differences of losses at theta + h v and theta - h v, with h = 0.01 / \|v\|, and V is
    never validation data, both as in the authors' code.

    Deviations: the authors' weights begin at 0.1, which is a factor on the network's learning rate, and have no lower
    bound; here they begin at 1, and a learning rate of 1e-3 is theirs of 1e-4, used for dense prediction. Their step
    ahead includes the momentum of SGD and weight decay; here, under Adam, it includes neither.
    """

    name, label = "auto-lambda", "Auto-Lambda"
    needs = frozenset({"look-ahead", "parameters"})

    class Params(api.Params):
        """Parameters of ``auto-lambda``."""

        learning_rate: Annotated[float, api.search.Log(1e-4, 1e-2)] = Field(
            1e-3, ge=0, description="Adam's learning rate of the weights; 0: weights of one"
        )
        target: str = Field("", description="name of the task that the others are to help; empty: all are to be helped")

    params: Params

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """The target, if one is named, must be a task of the dataset."""
        return foreign_target(self.params.target, schema)

    def setup(self, setting: api.Setting) -> None:
        """Start with weights of one."""
        self._setting = setting
        start = torch.ones(len(setting.tasks), dtype=torch.float64, device=setting.device)
        self._weights = TaskScalars(start, self.params.learning_rate)
        chosen = [self.params.target in {"", task.name} for task in setting.tasks]
        self._targets = torch.tensor(chosen, dtype=torch.float64, device=setting.device)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), at least 0.01."""
        fall = self._setting.look_ahead(step, self._weights.values, self._targets)
        self._weights.descend(-fall, step.seen & fall.any())
        self._weights.values.clamp_(min=FLOOR)
        return self._weights.values.to(step.losses, copy=True)

    def state_dict(self) -> dict[str, Tensor]:
        """The weights and Adam's moments of them."""
        return self._weights.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._weights.load_state_dict(state)
