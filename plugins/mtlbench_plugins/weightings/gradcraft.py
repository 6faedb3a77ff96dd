"""GradCraft: task gradients are brought to a common norm, then all conflicts of a task are projected away at once."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array, norms_and_cosines
from mtlbench_plugins.weightings._seen import weights_by_gram
from mtlbench_plugins.weightings._smooth import Smoothed

CUTOFF = 1e-6
"""Share of the largest eigenvalue of the cosines below which one counts as 0: float32 gradients have no more digits."""


class GradCraft(Smoothed):
    r"""Task gradients are scaled towards the largest norm; each then loses its conflicts with all others at once.

    Y. Bai et al., "GradCraft: elevating multi-task recommendations through holistic gradient crafting", KDD 2024,
    https://arxiv.org/abs/2407.19682. With m_k a running mean of the norm of task k's gradient:

    .. math:: m_k \leftarrow \beta m_k + (1 - \beta) \lVert g_k \rVert, \qquad
              h_k = \Big(r \, \frac{\max_j m_j}{m_k} + 1 - r\Big) \, g_k, \qquad
              d = \frac{1}{K} \sum_i h'_i

    h'_i is h_i plus a combination of the h_j that conflict with it, those with h_i . h_j < 0. The combination is the
    one by which each of these conflicts ends:

    .. math:: h'_i \cdot h_j = \epsilon \, \lVert h_i \rVert \, \lVert h_j \rVert

    ``pcgrad`` projects one conflict after another, so that a later projection can bring an earlier conflict back; here
    all projections of a task are found together, and no random order is needed. Without conflicts the weights are the
    factors of h. For more tasks h'_i can still conflict with a task that h_i did not conflict with.

    It reads the inner products of the task gradients. It claims that a projected gradient conflicts with none of the
    tasks that it conflicted with. It equals ``pcgrad`` for two tasks with r = 0 and epsilon = 0, and ``constant`` with
    r = 0 where no two tasks conflict.

    r is the paper's tau. The running means start at 0, so beta has no effect in the first step. They are of the
    authors' code, https://github.com/baiyimeng/GradCraft, which sets beta to 0. A task without gradient, or without an
    observed label in the batch, takes no part in a step; its running mean waits while it has no observed label. Where
    conflicting gradients depend on each other, as those of two equal tasks, the combination of least norm is taken; the
    authors' code ends in an error there.

    Deviation: the authors' code takes the norms over all parameters, those of a single task included; here they are
    over the shared ones, as for every method.
    """

    name, label = "gradcraft", "GradCraft"
    repairs = frozenset({"conflict", "scale"})
    shown_on = frozenset({"hotel-bookings", "kuairand-tuned", "over-logs"})
    needs = frozenset({"gram"})

    class Params(Smoothed.Params):
        """Parameters of ``gradcraft``."""

        r: Annotated[float, api.search.Linear(0, 1)] = Field(
            1.0, ge=0, le=1, description="r, how near to the largest norm, in [0, 1]"
        )
        epsilon: Annotated[float, api.search.OrZero(api.search.Log(1e-10, 0.1))] = Field(
            0.0, ge=0, le=1, description="epsilon, cosine that a projected gradient has with each it conflicted with"
        )
        beta: Annotated[float, api.search.Choice(0.0, 0.9)] = Field(
            0.0, ge=0, lt=1, description="beta, share of the past in the running means, in [0, 1)"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start with running means of 0."""
        super().setup(setting)
        self._norms = torch.zeros(len(setting.tasks), dtype=torch.float64)

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,); 0 for the tasks without an observed label in the batch."""
        norms, seen = step.gram.diagonal().sqrt().cpu(), step.seen.cpu()
        self._norms = torch.where(seen, norms.lerp(self._norms, self.params.beta), self._norms)
        means = self._norms[seen].numpy()
        return weights_by_gram(step, lambda gram: self._crafted(gram, means))

    def _crafted(self, gram: Array, means: Array) -> Array:
        """Weights of tasks whose gradients have the inner products ``gram`` and the running mean norms ``means``."""
        norms, cosines = norms_and_cosines(gram)
        ratios = np.divide(means.max(), means, out=np.ones_like(means), where=means > 0)
        factors = self.params.r * ratios + 1 - self.params.r
        scaled = factors * norms
        weights: Array = factors.copy()
        for i, cosine in enumerate(cosines):
            conflicts = np.flatnonzero(cosine < 0)
            if len(conflicts):
                inverse = np.linalg.pinv(cosines[np.ix_(conflicts, conflicts)], rcond=CUTOFF, hermitian=True)
                shares = inverse @ (self.params.epsilon - cosine[conflicts])
                weights[conflicts] += shares * scaled[i] / norms[conflicts]
        return weights

    def state_dict(self) -> dict[str, Tensor]:
        """The running means of the norms (K,)."""
        return {**super().state_dict(), "norms": self._norms.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        super().load_state_dict(state)
        self._norms = state["norms"].clone()
