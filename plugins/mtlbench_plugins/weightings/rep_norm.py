"""Rep-Norm: task gradients at the shared representation are brought to a common norm."""

from collections.abc import Mapping
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api


class RepNorm(api.Weighting):
    r"""The weights bring the gradients of all tasks at the shared representation near one norm.

    With H (B, D) what every task reads of the part that they share, R_k = dL_k / dH, and m_k a running mean of its
    norm, 0 at the start:

    .. math:: m_k \leftarrow \beta m_k + (1 - \beta) \lVert R_k \rVert, \qquad
              w_k = r \, K \, \frac{1 / m_k}{\sum_j 1 / m_j} + 1 - r

    All that lies below H descends (1/K) sum_k w_k R_k, in one backward pass; what lies above follows the plain average
    of the task losses. The weights sum to K. r = 1 gives all tasks the same mean norm at H.

    It reads the norms of the task gradients at the shared representation. It claims that all tasks shape the shared
    representation about equally. It equals ``constant`` with r = 0.

    This is a method of this benchmark, for what is known of Y. He et al., "MultiBalance: multi-objective gradient
    balancing in industrial-scale multi-task recommendation system", arXiv 2024, https://arxiv.org/abs/2411.11871. Its
    abstract says that it balances the gradients of tasks with respect to the shared feature representation, in place of
    the shared parameters. Notes on the paper speak of a moving average of the magnitudes of these gradients. How the
    paper balances them was not verified, so a result here is none of MultiBalance. r is that of ``metabalance``.

    A task whose running mean is 0 gets weight 1, and the others share the rest. The weight of a task without an
    observed label in the batch is 0 and its running mean waits; K is then the number of the others.
    """

    name, label = "rep-norm", "Rep-Norm"
    needs = frozenset({"gram"})
    at = "representation"

    class Params(api.Params):
        """Parameters of ``rep-norm``."""

        r: Annotated[float, api.search.Linear(0, 1)] = Field(
            0.7, ge=0, le=1, description="r, how near to a common norm, in [0, 1]"
        )
        beta: Annotated[float, api.search.Choice(0.0, 0.9, 0.99)] = Field(
            0.9, ge=0, lt=1, description="beta, share of the past in the running means, in [0, 1)"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start with running means of 0."""
        self._norms = torch.zeros(len(setting.tasks), dtype=torch.float64)

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), at least 0."""
        norms, seen = step.gram.diagonal().sqrt().cpu(), step.seen.cpu()
        self._norms = torch.where(seen, norms.lerp(self._norms, self.params.beta), self._norms)
        weights = seen.double()
        balanced = seen & (self._norms > 0)
        if balanced.any():
            inverse = self._norms[balanced].min() / self._norms[balanced]
            weights[balanced] = self.params.r * len(inverse) * inverse / inverse.sum() + 1 - self.params.r
        return weights.to(step.losses)

    def state_dict(self) -> dict[str, Tensor]:
        """The running means of the norms (K,)."""
        return {"norms": self._norms.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        self._norms = state["norms"].clone()
