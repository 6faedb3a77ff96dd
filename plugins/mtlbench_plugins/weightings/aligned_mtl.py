"""Aligned-MTL: task gradients made orthogonal and of one length."""

import numpy as np
import torch
from torch import Tensor

from mtlbench import api
from mtlbench_plugins.solvers.gramian import array
from mtlbench_plugins.weightings._smooth import Smoothed

INDISTINCT = 1e-7
"""An eigenvalue of the Gram matrix below this share of the largest is rounding error of float32 gradients."""


class AlignedMTL(Smoothed):
    r"""The task gradients are replaced by the nearest orthogonal ones of equal length, and these are averaged.

    D. Senushkin et al., "Independent component alignment for multi-task learning", CVPR 2023,
    https://arxiv.org/abs/2305.19000. With M = V diag(lambda) V' the inner products of the task gradients, the aligned
    gradients are G^ = G B:

    .. math:: B = \sqrt{\lambda_{\min}} \, V \mathrm{diag}(\lambda)^{-1/2} V^\top, \qquad
              \hat G^\top \hat G = \lambda_{\min} I, \qquad d = \frac{1}{K} \sum_k \hat g_k, \qquad w = B \mathbf{1}

    lambda_min is the smallest positive eigenvalue, as in the paper. It gives the aligned gradients the length of the
    weakest independent direction. Eigenvalues of 0 are left out. Identical gradients stay as they are.

    It reads the inner products of the task gradients. It claims that no task dominates another and none conflicts with
    another. It equals ``constant`` where the gradients are orthogonal and of one norm.

    Deviations: the paper weighs the aligned gradients by given task weights; here they count equally. An eigenvalue
    below 1e-7 of the largest counts as 0. With float32 gradients it is rounding error, and it would set the length of
    d.
    """

    name, label = "aligned-mtl", "Aligned-MTL"
    repairs = frozenset({"conflict", "scale"})
    needs = frozenset({"gram"})

    def solve(self, step: api.Step) -> Tensor:
        """Weights (K,), of either sign; ones where no task has a gradient."""
        values, vectors = np.linalg.eigh(array(step.gram))
        positive = values > INDISTINCT * values[-1]
        weights = np.ones(len(values))
        if positive.any():
            values, vectors = values[positive], vectors[:, positive]
            weights = vectors @ (np.sqrt(values[0] / values) * vectors.sum(0))
        return torch.from_numpy(weights).to(step.losses)
