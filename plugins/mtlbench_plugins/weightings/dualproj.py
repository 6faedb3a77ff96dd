"""DualProj: the mean of the task gradients is projected to where it conflicts with no task."""

import numpy as np
import torch
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import array, norms_and_cosines
from mtlbench_plugins.solvers.quadratic import quadratic_program
from mtlbench_plugins.weightings._smooth import Smoothed


class DualProj(Smoothed):
    r"""The vector nearest to the mean of the task gradients that conflicts with no task.

    D. Lopez-Paz, M. Ranzato, "Gradient episodic memory for continual learning", NeurIPS 2017,
    https://arxiv.org/abs/1706.08840, projects the gradient of a new task in this way so that past tasks do not get
    worse. The library torchjd, https://torchjd.org, applies the projection to the mean gradient of several tasks:

    .. math:: d = \arg\min_{v :\, g_k \cdot v \ge 0 \;\forall k} \Big\lVert v - \frac{1}{K} \sum_k g_k \Big\rVert
              = \frac{1}{K} \sum_k w_k \, g_k

    The projection is the mean gradient plus a combination of the g_k with non-negative coefficients, which solve a
    quadratic program in the inner products. w_k is 1 plus K times the coefficient of g_k. To first order no task gets
    worse. Where the mean gradient conflicts with no task, the weights are ones, and a training in which it never does
    is that of ``constant``. For two tasks it conflicts with the one of the smaller gradient, say g_1, if
    g_1 . g_2 < -|g_1|^2; then w_1 = -g_1 . g_2 / |g_1|^2. ``upgrad`` projects each task gradient before the mean is
    taken, and so changes the mean more.

    It reads the inner products of the task gradients. It claims that to first order no task gets worse, at the least
    change of the mean gradient. It equals ``constant`` where the mean gradient conflicts with no task, and
    ``pcgrad`` and ``upgrad`` where no two tasks conflict.

    Deviation: torchjd adds a share of 1e-4 to the diagonal of the program; here the program is solved as it is.
    """

    name, label = "dualproj", "DualProj"
    repairs = frozenset({"conflict"})
    needs = frozenset({"gram"})
    coincides_with = frozenset({"constant", "pcgrad", "upgrad"})  # where no gradients conflict

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), at least 1."""
        norms, cosines = norms_and_cosines(array(step.gram))
        weights = np.ones(len(norms))
        present = norms > 0
        if present.any():
            relative = norms / norms.max()
            weights[present] += quadratic_program(cosines, -cosines @ relative)[present] / relative[present]
        return torch.from_numpy(weights).to(step.losses)
