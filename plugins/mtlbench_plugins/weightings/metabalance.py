"""MetaBalance: the gradients of auxiliary tasks are brought near the norm of the target task's gradient."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.weightings._target import foreign_target, place_of


class MetaBalance(api.DirectionWeighting):
    r"""In each parameter the gradients of auxiliary tasks are scaled towards the norm of the target task's gradient.

    Y. He et al., "MetaBalance: improving multi-task recommendations via adapting gradient magnitudes of auxiliary
    tasks", WWW 2022, https://arxiv.org/abs/2203.06801. For each shared parameter tensor, with m_k a running mean of the
    norm of task k's gradient and * the target task:

    .. math:: m_k \leftarrow \beta m_k + (1 - \beta) \lVert g_k \rVert, \qquad
              d = \frac{1}{K} \sum_k \Big(r \, \frac{m_*}{m_k} + 1 - r\Big) \, g_k

    The gradient of the target itself stays as it is. r = 1 gives all tasks the norm of the target.

    It reads the gradients of the tasks. It claims that auxiliary tasks help the target task and do not drown it. It
    equals ``constant`` with r = 0.

    The paper has one task, such as purchases, that the others should help. By default that is the last task, the
    deepest stage of a funnel; any other can be named. The paper has three strategies; this one both reduces large and
    enlarges small auxiliary gradients. The running means of a task wait while a batch has no observed
    label of it. In an embedding table the rows that the batch reads count as one tensor.

    Deviation: the paper sums over tasks; here they are averaged, as for every method.
    """

    name, label = "metabalance", "MetaBalance"
    repairs = frozenset({"scale"})
    equivariant = False

    class Params(api.GradientParams):
        """Parameters of ``metabalance``."""

        r: Annotated[float, api.search.Linear(0, 1)] = Field(
            0.7, ge=0, le=1, description="r, how near to the target's norm, in [0, 1]"
        )
        beta: Annotated[float, api.search.Choice(0.0, 0.9, 0.99)] = Field(
            0.9, ge=0, lt=1, description="beta, share of the past in the running means, in [0, 1)"
        )
        target: str = Field("", description="name of the target task; empty: the last of the dataset's")

    params: Params

    def applicable(self, schema: api.Schema, backbone: type[api.Backbone]) -> str | None:
        """The target, if one is named, must be a task of the dataset."""
        return foreign_target(self.params.target, schema)

    def setup(self, setting: api.Setting) -> None:
        """Find the target task, and start without running means."""
        self._target = place_of(self.params.target, setting.tasks)
        self._norms: dict[str, Tensor] = {}

    def direct(self, step: api.Step) -> dict[str, Tensor]:
        """The average of the scaled gradients."""
        return {name: self._balanced(name, gradients, step.seen) for name, gradients in step.jacobian.items()}

    def _balanced(self, name: str, gradients: tuple[Tensor, ...], seen: Tensor) -> Tensor:
        norms = torch.stack([gradient.norm() for gradient in gradients])
        before = self._norms.get(name, torch.zeros_like(norms))
        means = self._norms[name] = torch.where(seen, before.lerp(norms, 1 - self.params.beta), before)
        ratios = torch.where(means > 0, means[self._target] / means, 1.0)
        factors = (self.params.r * ratios + 1 - self.params.r) / len(gradients)
        return torch.tensordot(factors, torch.stack(gradients), 1)

    def state_dict(self) -> dict[str, Tensor]:
        """The running means of the norms (K,), by name of the parameter."""
        return {name: norms.clone() for name, norms in self._norms.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._norms = {name: norms.clone() for name, norms in state.items()}
