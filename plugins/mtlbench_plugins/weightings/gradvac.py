"""Gradient Vaccine: the cosines of the task gradients are raised to their usual values."""

from collections.abc import Mapping
from math import sqrt
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import array
from mtlbench_plugins.weightings._smooth import Smoothed

MOST = 1 - 1e-6
"""Highest target of a cosine. To raise a cosine to 1 would take an infinite multiple of the other gradient."""


class GradVac(Smoothed):
    r"""Each task's gradient is turned towards the gradients of other tasks that it agrees with less than usual.

    Z. Wang et al., "Gradient Vaccine: investigating and improving multi-task optimization in massively multilingual
    models", ICLR 2021, https://arxiv.org/abs/2010.05874. For each task i, start from g_i and go through the other tasks
    j in random order. phi is the cosine of the present g_i and the original g_j; phi^ is its running mean, 0 at the
    start:

    .. math:: g_i \leftarrow g_i + \frac{\lVert g_i \rVert \big(\hat\phi_{ij} \sqrt{1 - \phi^2}
              - \phi \sqrt{1 - \hat\phi_{ij}^2}\big)}{\lVert g_j \rVert \sqrt{1 - \hat\phi_{ij}^2}} \, g_j
              \;\text{ if } \phi < \hat\phi_{ij}, \qquad
              \hat\phi_{ij} \leftarrow (1 - \beta) \hat\phi_{ij} + \beta \phi, \qquad d = \frac{1}{K} \sum_i g_i

    This makes the cosine exactly phi^. The turned gradients are combinations of the original ones, so inner products
    are enough: the weight of task k is the sum over i of the coefficient of g_k in g_i.

    It reads the inner products of the task gradients. It claims that the gradients of two tasks stay as similar as they
    usually are. It equals ``pcgrad`` with beta = 0.

    Deviations: the paper keeps one phi^ per parameter tensor or per layer, here there is one for all shared parameters.
    The paper sums the turned gradients; here they are averaged over tasks, as for every method. phi^ counts as at most
    1 - 1e-6. The default beta is that of LibMTL; the paper has 0.01.
    """

    name, label = "gradvac", "GradVac"
    repairs = frozenset({"conflict"})
    needs = frozenset({"gram"})

    class Params(Smoothed.Params):
        """Parameters of ``gradvac``."""

        beta: Annotated[float, api.search.Log(1e-3, 0.5)] = Field(
            0.5, ge=0, le=1, description="beta, share of the present cosine in its running mean"
        )

    params: Params

    def setup(self, setting: api.Setting) -> None:
        """Start with usual cosines of 0."""
        super().setup(setting)
        tasks = len(setting.tasks)
        self._usual = np.zeros((tasks, tasks))

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), at least 1 where no usual cosine is negative; the orders come from torch's generator."""
        gram, beta = array(step.gram), self.params.beta
        coefficients = np.eye(len(gram))
        for i, turned in enumerate(coefficients):
            for j in torch.randperm(len(gram)).tolist():
                length = sqrt(max(float(turned @ gram @ turned), 0.0) * gram[j, j])
                if j == i or length == 0:
                    continue
                cosine = min(max(float(turned @ gram[j]) / length, -1.0), 1.0)
                usual = min(float(self._usual[i, j]), MOST)
                self._usual[i, j] += beta * (cosine - self._usual[i, j])
                if cosine < usual:
                    ratio = usual * sqrt((1 - cosine**2) / (1 - usual**2)) - cosine
                    turned[j] += length / gram[j, j] * ratio
        return torch.from_numpy(coefficients.sum(0)).to(step.losses)

    def state_dict(self) -> dict[str, Tensor]:
        """The usual cosines (K, K)."""
        return {**super().state_dict(), "usual": torch.from_numpy(self._usual.copy())}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take them back."""
        super().load_state_dict(state)
        self._usual = state["usual"].numpy().copy()
