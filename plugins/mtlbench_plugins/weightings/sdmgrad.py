"""SDMGrad: the shortest direction near the mean gradient, with the gradients of independent samples."""

from typing import Annotated

import numpy as np
from pydantic import Field
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import Array
from mtlbench_plugins.weightings._shares import LearntShares, nearest_shares

MOMENTUM = 0.5


class SDMGrad(LearntShares):
    r"""A short average of the expected task gradients that stays near their mean.

    P. Xiao, H. Ban, K. Ji, "Direction-oriented multi-objective learning: simple and provable stochastic algorithms",
    NeurIPS 2023, https://arxiv.org/abs/2305.18409. With J_1, J_2, J_3 the task gradients of three independent samples,
    their rows one per task, e = (1/K, ..., 1/K), and Pi the nearest point of the simplex, in each step n times:

    .. math:: A = J_1 J_2^\top / c^2, \qquad c = \frac{1}{K} \sum_k \sqrt{\max(A_{kk}, 0)}, \qquad
              u \leftarrow \frac{u}{2} + A \, (\omega + \lambda e), \qquad
              \omega \leftarrow \Pi (\omega - \eta u)

    c is that of the products before they are divided by it. omega begins even and carries over from step to step; u
    begins each step at 0. Then:

    .. math:: d = J_3^\top \, \frac{\omega + \lambda e}{1 + \lambda}

    A large lambda gives the mean gradient. The weights are w_k = (K omega_k + lambda) / (1 + lambda), of sum K, so that
    the average over tasks is the paper's d. They do not depend on the scale of all gradients together.

    The samples are the thirds of the batch, so a step reads as many rows as under any other method. The direction of
    the shared parameters comes from the last third alone, and so is noisier. The parameters of a single task follow the
    whole batch. A task without an observed label in one of the first two thirds keeps its omega.

    It reads the inner products of the task gradients of two thirds of the batch, and weighs those of the last.
    It claims that no task is sacrificed while the direction stays near that of the mean gradient.
    It equals ``pe-ltr`` with bounds lambda / ((1 + lambda) K) at its exact minimum on one batch. The 20 iterations of
    the authors, at their step size of 10, do not reach it.

    Deviations: the authors read three batches per step. Their code adds 1e-4 to the diagonal of A in c, and multiplies
    the direction by K. Where c is 0, omega stays as it is.

    It has no option ``at``: rows of the representation of two samples have no inner products.
    """

    name, label = "sdmgrad", "SDMGrad"

    class Params(api.Params):
        """Parameters of ``sdmgrad``."""

        lambda_: Annotated[float, api.search.Log(0.03, 10)] = Field(
            0.3, ge=0, alias="lambda", description="lambda, pull to the mean gradient"
        )
        iterations: int = Field(20, ge=1, description="n, iterations of omega in each step")
        step_size: float = Field(10.0, gt=0, description="eta, step size of omega")

    params: Params

    def weigh(self, step: api.Step) -> Tensor:
        """Weights (K,), of mean 1 over the tasks seen in the last third of the batch; 0 for the others."""
        first, second, last = step.seen_in_thirds
        self._shares.move(first & second, step.cross_gram, self._moved)
        weights = (self._shares.weights(last) + self.params.lambda_ * last) / (1 + self.params.lambda_)
        return weights.to(step.losses)

    def _moved(self, shares: Array, gram: Array) -> Array:
        size = np.sqrt(gram.diagonal().clip(min=0)).mean()
        if size == 0:
            return shares
        gram, even = gram / size / size, 1 / len(shares)
        speed = np.zeros_like(shares)
        for _ in range(self.params.iterations):
            speed = MOMENTUM * speed + gram @ (shares + self.params.lambda_ * even)
            shares = nearest_shares(shares - self.params.step_size * speed)
        return shares
