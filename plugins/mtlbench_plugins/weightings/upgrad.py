"""UPGrad: each task gradient is projected to where it conflicts with no task, and the projections are averaged."""

import numpy as np
import torch
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import array, norms_and_cosines
from mtlbench_plugins.solvers.quadratic import quadratic_programs
from mtlbench_plugins.weightings._smooth import Smoothed


class UPGrad(Smoothed):
    r"""The mean of the task gradients, after each is replaced by the nearest vector that conflicts with no task.

    P. Quinton, V. Rey, "Jacobian descent for multi-objective optimization", arXiv 2024, https://arxiv.org/abs/2406.16232:

    .. math:: d = \frac{1}{K} \sum_i \pi(g_i), \qquad
              \pi(g) = \arg\min_{v :\, g_k \cdot v \ge 0 \;\forall k} \lVert v - g \rVert

    The projection of g_i is g_i plus a combination of the gradients with non-negative coefficients, which solve a
    quadratic program in the inner products. The weight of task k is the sum over i of the coefficient of g_k in
    pi(g_i). To first order no task gets worse. With more than two tasks the result of ``pcgrad`` depends on a random
    order and can still conflict with a task.

    It reads the inner products of the task gradients. It claims that to first order no task gets worse. It equals
    ``pcgrad`` for two tasks, and ``constant`` where no two tasks conflict.

    Deviation: the authors' code adds a share of 1e-4 to the diagonal of the program; here the program is solved as it
    is.
    """

    name, label = "upgrad", "UPGrad"
    repairs = frozenset({"conflict"})
    needs = frozenset({"gram"})
    coincides_with = frozenset({"pcgrad"})  # of two tasks

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), at least 1."""
        norms, cosines = norms_and_cosines(array(step.gram))
        weights = np.ones(len(norms))
        present = norms > 0
        for norm, coefficients in zip(norms, quadratic_programs(cosines, -cosines), strict=True):
            weights[present] += norm * coefficients[present] / norms[present]
        return torch.from_numpy(weights).to(step.losses)
