"""FairGrad: alpha-fair gains of the tasks."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.balance import balance
from mtlbench_plugins.solvers.gramian import array
from mtlbench_plugins.weightings._smooth import Smoothed


class FairGrad(Smoothed):
    r"""The direction that shares the gains among the tasks by alpha-fairness; alpha says how equally.

    H. Ban, K. Ji, "Fair resource allocation in multi-task learning", ICML 2024, https://arxiv.org/abs/2402.15638. With
    M the inner products of the task gradients:

    .. math:: d = \sum_k w_k g_k \propto \arg\max_{\lVert d \rVert \le 1}
              \sum_k \frac{(g_k \cdot d)^{1 - \alpha}}{1 - \alpha}, \qquad M w = w^{-1/\alpha}

    g_k . d is the gain of task k. With alpha to 0 the sum of the gains is maximised, with alpha 1 the sum of their
    logarithms, as in ``nash-mtl``, and with alpha to infinity the least gain, as in ``mgda``. The weights are those of
    the paper. The paper sums over tasks; here the sum is divided by K.

    It reads the inner products of the task gradients. It claims that the tasks share the gains alpha-fairly. It equals
    ``nash-mtl`` with alpha = 1.

    Deviations: the equation is solved to rounding error in every step, by Newton's method on a strictly convex function
    whose stationary point it describes; the authors' code fits it by least squares. Where there is no solution, and
    where a task has no gradient, the method does what ``nash-mtl`` does. The default alpha is that of the authors'
    scripts for CelebA and QM9.
    """

    name, label = "fairgrad", "FairGrad"
    needs = frozenset({"gram"})

    class Params(Smoothed.Params):
        """Parameters of ``fairgrad``."""

        alpha: Annotated[float, api.search.Log(0.25, 10)] = Field(
            2.0, ge=0.1, le=10, description="alpha, the larger the fairer; 1 is nash-mtl"
        )

    params: Params

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), positive, of the order of |g_k|^(-2 alpha / (1 + alpha))."""
        return torch.from_numpy(balance(array(step.gram), power=1 / self.params.alpha)).to(step.losses)
